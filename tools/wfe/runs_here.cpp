#include "tools/wfe/runs_here.h"

namespace wfe::cli {

bool RunsHere(Globals& globals, const Config& config, bool local, const std::string& at_what_price) {
  if (local) return true;
  const Config standard;
  if (globals.AddressWasNamed() || config.client.address != standard.client.address) return false;
  const auto info =
      globals.Call<ws::GetSystemInfoResponse>("GetSystemInfo", ws::GetSystemInfoRequest(), std::chrono::seconds(2));
  if (info || !Globals::IsUnreachable(info.error())) return false;
  if (globals.format == OutputFormat::kText) {
    PrintText("no server at " + config.client.address + ": running here, and " + at_what_price + "\n");
  }
  return true;
}

}  // namespace wfe::cli
