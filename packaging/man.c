/* Prints the manual page; run by the build. */
#include "cli/options.h"
#include <stdio.h>

int main(void)
{
    rh_text text = {0};
    rh_man_page(&text);
    bool ok = fwrite(rh_text_string(&text), 1, text.length, stdout) == text.length && fflush(stdout) == 0;
    rh_text_release(&text);
    return ok ? 0 : 1;
}
