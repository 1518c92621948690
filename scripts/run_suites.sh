#!/bin/sh
# Run each Check suite given; exit 1 if any failed. Check prints its own closing
# line for each ("100%: Checks: 12, Failures: 0, Errors: 0").
failed=""
for t in "$@"; do
    "$t" || failed="$failed $t"
done
[ -z "$failed" ] && exit 0
echo "failed:$failed" >&2
exit 1
