/* `prefkit export DB`: prefdb's verb, and the tokenizer that its --equal-after
 * may count by, of which prefdb knows nothing. */
#include "rm/data/store_tokens.h"
#include "rm/rm.h"

int rm_cmd_export(int argc, char **argv)
{
    return prefdb_cmd_export(argc, argv, &rm_store_tokens);
}
