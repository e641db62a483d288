// wfe: the command line of the engine.  Each family of commands is a file cmd_*.cpp.
#include "tools/site/start_site.h"
#include "tools/wfe/run_cli.h"

int main(int argc, char** argv) { return wfe::cli::RunCli(argc, argv, &wfe::site::StartSite); }
