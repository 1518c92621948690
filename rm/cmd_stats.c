/* `prefkit stats DB`: prefdb's verb, and the tokenizer that its lengths may be
 * counted by. */
#include "rm/data/store_tokens.h"
#include "rm/rm.h"

int rm_cmd_stats(int argc, char **argv)
{
    return prefdb_cmd_stats(argc, argv, &rm_store_tokens);
}
