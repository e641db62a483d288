// wfe completion bash|zsh|fish
#include <cstdio>

#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/usage.h"

namespace wfe::cli {
namespace {

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// One case a command: its words, and one a option that has words of its own: "wfe list --status" …
void Collect(const CLI::App& command, const std::string& path, std::string& script) {
  std::vector<std::string> words = CommandNames(command);
  for (const std::string& name : OptionNames(command)) words.push_back(name);
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty() || !option->get_positional()) continue;
    for (const std::string& word : WordsOf(*option)) words.push_back(word);
  }
  script += "    \"" + path + "\") words=\"" + Joined(words) + "\" ;;\n";
  for (const CLI::Option* option : command.get_options()) {
    const std::vector<std::string> values = WordsOf(*option);
    if (option->get_positional() || option->get_group().empty() || option->get_items_expected_max() == 0) continue;
    std::string names;
    for (const std::string& name : option->get_lnames())
      names += (names.empty() ? "\"" : "|\"") + path + " --" + name + "\"";
    for (const std::string& name : option->get_snames())
      names += (names.empty() ? "\"" : "|\"") + path + " -" + name + "\"";
    // A value without words of its own is a file, or anything: the shell's own completion.
    script += "    " + names + ") words=\"" + (values.empty() ? "<file>" : Joined(values)) + "\" ;;\n";
  }
  for (const CLI::App* sub : ShownCommands(command)) Collect(*sub, path + " " + sub->get_name(), script);
}

/// The script knows the tree of commands as it is now; words after the last known command are its options.
std::string BashScript(const CLI::App& app) {
  std::string cases;
  Collect(app, "wfe", cases);
  return "_wfe() {\n"
         "  local path=wfe words word last i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    case \"$word\" in -*) continue ;; esac\n"
         "    case \" $(_wfe_words \"$path\") \" in *\" $word \"*) path=\"$path $word\" ;; esac\n"
         "  done\n"
         "  last=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "  words=\n"
         "  case \"$last\" in -*) words=$(_wfe_words \"$path $last\") ;; esac\n"
         "  [ -n \"$words\" ] || words=$(_wfe_words \"$path\")\n"
         "  COMPREPLY=()\n"
         "  [ \"$words\" = \"<file>\" ] || COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
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

std::string FishQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? ' ' : c;
  }
  return quoted + "'";
}

/// fish asks a condition for every line: "these commands stand there, in this order, and no other of their kind".
void CollectFish(const CLI::App& command, const std::vector<std::string>& path, std::string& script) {
  std::string seen;
  for (const std::string& name : path) seen += (seen.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + name);
  const std::string names = Joined(CommandNames(command));
  std::string at_command = seen.empty() ? "__fish_use_subcommand" : seen;
  if (!names.empty() && !seen.empty()) at_command += "; and not __fish_seen_subcommand_from " + names;
  for (const CLI::App* sub : ShownCommands(command)) {
    script += "complete -c wfe -f -n " + FishQuoted(at_command) + " -a " + sub->get_name() + " -d " +
              FishQuoted(sub->get_description()) + "\n";
  }
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;
    const std::vector<std::string> values = WordsOf(*option);
    if (option->get_positional()) {
      if (!values.empty())
        script += "complete -c wfe -f -n " + FishQuoted(at_command) + " -a " + FishQuoted(Joined(values)) + "\n";
      continue;
    }
    script += "complete -c wfe -n " + FishQuoted(at_command);
    for (const std::string& name : option->get_lnames()) script += " -l " + name;
    for (const std::string& name : option->get_snames()) script += " -s " + name;
    if (option->get_items_expected_max() > 0) script += values.empty() ? " -r" : " -x -a " + FishQuoted(Joined(values));
    script += " -d " + FishQuoted(option->get_description()) + "\n";
  }
  for (const CLI::App* sub : ShownCommands(command)) {
    std::vector<std::string> below = path;
    below.push_back(sub->get_name());
    CollectFish(*sub, below, script);
  }
}

}  // namespace

void AddCompletionCommand(CLI::App& app, Globals& globals) {
  auto shell = std::make_shared<std::string>();
  CLI::App& command = *app.add_subcommand("completion", "Print a completion script for the shell");
  command.add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->transform(OneOf("shell", {"bash", "zsh", "fish"}));
  command.footer(
      "Examples:\n  source <(wfe completion bash)\n  source <(wfe completion zsh)\n  wfe completion fish | source");
  command.callback([&app, &globals, shell] {
    if (*shell == "fish") {
      std::string script;
      CollectFish(app, {}, script);
      std::fputs(script.c_str(), stdout);
    } else if (*shell == "zsh") {
      // Sourced, or found by zsh itself under the name _wfe: then this is the function, and its first call completes.
      std::printf("#compdef wfe\nautoload -U +X bashcompinit && bashcompinit\n%s"
                  "(( ${+compstate} )) && _bash_complete -F _wfe\n",
                  BashScript(app).c_str());
    } else {
      std::fputs(BashScript(app).c_str(), stdout);
    }
    globals.exit_code = kExitOk;
  });
}

}  // namespace wfe::cli
