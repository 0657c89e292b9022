/* sign_real.c - links beside wolfCrypt's signatures */
#include "run.h"

bool sign_is_fake(void)
{
    return false;
}
