/* The program: picks the command and runs it. */
#include <stdio.h>

int main(void)
{
    printf("itsm-bridge %s\n", ITSM_VERSION);
    return 0;
}
