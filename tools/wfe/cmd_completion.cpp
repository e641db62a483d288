// wfe completion bash|zsh
#include <cstdio>

#include "tools/wfe/cli.h"

namespace wfe::cli {
namespace {

void Collect(const CLI::App& command, const std::string& path, std::string& script) {
  std::string words;
  for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
    words += sub->get_name() + " ";
  }
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  script += "    \"" + path + "\") words=\"" + words + "\" ;;\n";
  for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
    Collect(*sub, path + " " + sub->get_name(), script);
  }
}

/// The script knows the tree of commands as it is now; words after the last known command are its options.
std::string BashScript(const CLI::App& app) {
  std::string cases;
  Collect(app, "wfe", cases);
  return "_wfe() {\n"
         "  local path=wfe words= word i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    case \"$word\" in -*) continue ;; esac\n"
         "    case \" $(_wfe_words \"$path\") \" in *\" $word \"*) path=\"$path $word\" ;; esac\n"
         "  done\n"
         "  COMPREPLY=($(compgen -W \"$(_wfe_words \"$path\")\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "_wfe_words() {\n"
         "  local words=\n"
         "  case \"$1\" in\n" +
         cases +
         "  esac\n"
         "  echo \"$words\"\n"
         "}\n"
         "complete -F _wfe wfe\n";
}

}  // namespace

void AddCompletionCommand(CLI::App& app, Globals& globals) {
  auto shell = std::make_shared<std::string>();
  CLI::App& command = *app.add_subcommand("completion", "Print a completion script for the shell");
  command.add_option("shell", *shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  command.footer("Examples:\n  source <(wfe completion bash)\n  source <(wfe completion zsh)");
  command.callback([&app, &globals, shell] {
    if (*shell == "zsh") std::fputs("autoload -U +X bashcompinit && bashcompinit\n", stdout);
    std::fputs(BashScript(app).c_str(), stdout);
    globals.exit_code = kExitOk;
  });
}

}  // namespace wfe::cli
