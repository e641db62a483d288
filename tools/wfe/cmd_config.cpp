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
        std::string text = "[" + section + "]\n";
        for (const auto& [key, value] : values.items()) {
          text += key + " = " + value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
        }
        PrintText(text + "\n");
      }
      for (const auto& source : json["sources"]) PrintText("# from " + source.get<std::string>() + "\n");
      return kExitOk;
    });
  });

  CLI::App& check = *config.add_subcommand("check", "Report unknown keys, wrong values with their position, and what is missing");
  AddCommonOptions(check, globals);
  check.footer("Example:\n  wfe config check --config wfe.toml");
  check.callback([&globals] {
    globals.Run([&]() -> Result<int> {
      WFE_ASSIGN_OR_RETURN(const Config* effective, globals.config());
      if (const std::string missing = MissingInConfig(*effective); !missing.empty()) return InvalidArgument(missing);
      PrintObject({{"status", "ok"}, {"sources", effective->sources}}, globals.format);
      return kExitOk;
    });
  });
}

}  // namespace wfe::cli
