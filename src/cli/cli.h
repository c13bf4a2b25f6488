/* Commands, options, progress: the only code that prints and picks exit codes. */
#pragma once

/* The whole program. */
int rh_cli_main(int argc, char **argv);
