// wfe config show|check
#include "tools/wfe/cli.h"

namespace wfe::cli {

void AddConfigCommands(CLI::App& app, Globals& globals) {
  CLI::App& config = *app.add_subcommand("config", "Show or check the configuration")->require_subcommand(1);
  config.footer("Examples:\n  wfe config show\n  wfe config check --config wfe.toml");

  CLI::App& show = *config.add_subcommand("show", "Print the effective configuration, secrets masked");
  AddCommonOptions(show, globals);
  show.footer("Example:\n  wfe config show --output json");
  show.callback([&globals] {
    globals.Run([&]() -> Result<int> {
      WFE_ASSIGN_OR_RETURN(const Config* effective, globals.config());
      const nlohmann::ordered_json json = ToJson(*effective);
      if (globals.format != OutputFormat::kText) {
        PrintObject(json, globals.format);
        return kExitOk;
      }
      for (const auto& [section, values] : json.items()) {
        if (!values.is_object()) continue;
        std::printf("[%s]\n", section.c_str());
        for (const auto& [key, value] : values.items()) std::printf("%s = %s\n", key.c_str(), value.dump().c_str());
        std::printf("\n");
      }
      for (const auto& source : json["sources"]) std::printf("# from %s\n", source.get<std::string>().c_str());
      return kExitOk;
    });
  });

  CLI::App& check = *config.add_subcommand("check", "Report unknown keys and wrong types with their position");
  AddCommonOptions(check, globals);
  check.footer("Example:\n  wfe config check --config wfe.toml");
  check.callback([&globals] {
    globals.Run([&]() -> Result<int> {
      WFE_ASSIGN_OR_RETURN(const Config* effective, globals.config());
      PrintObject({{"status", "ok"}, {"sources", effective->sources}}, globals.format);
      return kExitOk;
    });
  });
}

}  // namespace wfe::cli
