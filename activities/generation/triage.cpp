#include "activities/generation/triage.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "activities/generation/steps.h"
#include "activities/nodes/report.h"

namespace wfe::generation {
namespace {

struct Kind {
  std::string_view name;
  std::string_view words;  ///< Separated by blanks; any of them makes the task one of this kind.
};

// The first that fits counts, so what is special stands before what is common.
constexpr auto kKinds = std::to_array<Kind>({
    {"fetch", "fetch download request http https url api call_tool weather"},
    {"validate", "validate check verify valid valid? whether is_valid sanitize"},
    {"parse", "parse extract read csv xml yaml ini tokenize split regex"},
    {"aggregate", "count sum average mean median total group histogram statistics frequency top"},
    {"compute", "compute calculate solve simulate convert distance prime fibonacci interest"},
    {"transform", "transform sort filter map merge rename reverse normalize format translate replace join"},
});

struct ForeignLanguage {
  std::string_view word;
  std::string_view name;
  std::string_view language;  ///< Of nodes; empty: none are made in it.
};
constexpr auto kLanguages = std::to_array<ForeignLanguage>({
    {"python", "Python", nodes::kPython},
    {"c++", "C++", nodes::kCpp},
    {"cpp", "C++", nodes::kCpp},
    {"rust", "Rust", ""},
    {"java", "Java", ""},
    {"javascript", "JavaScript", ""},
    {"typescript", "TypeScript", ""},
    {"golang", "Go", ""},
    {"kotlin", "Kotlin", ""},
    {"haskell", "Haskell", ""},
    {"perl", "Perl", ""},
    {"ruby", "Ruby", ""},
    {"php", "PHP", ""},
    {"cobol", "COBOL", ""},
    {"fortran", "Fortran", ""},
});

/// In lower case, without what surrounds words in sentences.
std::vector<std::string> WordsOf(std::string_view task) {
  std::vector<std::string> words(1);
  for (const char c : task) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '+' || c == '_' || byte >= 0x80) {
      words.back() += static_cast<char>(std::tolower(byte));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

bool Holds(std::string_view list, std::string_view word) {
  const std::string padded = " " + std::string(list) + " ";
  return padded.find(" " + std::string(word) + " ") != std::string::npos;
}

/// "in Rust", "as a Java class", "using perl": a language counts only after one of these, so that a task about text in
/// some language is no order for a program in it.
Status CheckLanguage(const std::vector<std::string>& words, std::string_view language) {
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& before = words[i - 1];
    const bool asks = before == "in" || before == "using" || before == "a" || before == "with";
    const bool program = before == "in" || before == "using" ||
                         (i + 1 < words.size() && Holds("program script function class module node", words[i + 1]));
    if (!asks || !program) continue;
    const auto found = std::ranges::find(kLanguages, std::string_view(words[i]), &ForeignLanguage::word);
    if (found == kLanguages.end() || found->language == language) continue;
    if (found->language.empty()) {
      return InvalidArgument("the task asks for " + std::string(found->name) + ", and nodes are made in python and cpp");
    }
    return InvalidArgument("the task asks for " + std::string(found->name) + " and the language is " +
                           std::string(language) + "; choose --language " + std::string(found->language));
  }
  return Ok();
}

}  // namespace

Result<Classified> Classify(std::string_view task, std::string_view language) {
  if (nodes::WeightsOf(language).empty()) {
    return InvalidArgument("language \"" + std::string(language.substr(0, 40)) + "\" is none of python, cpp");
  }
  if (task.size() > kMaxTaskBytes) {
    return InvalidArgument("the task has " + std::to_string(task.size()) + " bytes; the limit is " +
                           std::to_string(kMaxTaskBytes));
  }
  const std::vector<std::string> words = WordsOf(task);
  if (words.empty()) return InvalidArgument("the task is empty");
  WFE_RETURN_IF_ERROR(CheckLanguage(words, language));
  Classified classified{.task_type = "general", .strategy = "medium", .reason = {}};
  std::string because = "none of the known kinds is named";
  for (const Kind& kind : kKinds) {
    const auto word = std::ranges::find_if(words, [&](const std::string& each) { return Holds(kind.words, each); });
    if (word == words.end()) continue;
    classified.task_type = kind.name;
    because = "it says \"" + *word + "\"";
    break;
  }
  // A short order of a usual kind needs no large model; what is left open by few words is for the plan to say.
  constexpr size_t kFewWords = 40;
  if (classified.task_type != "general" && classified.task_type != "fetch" && words.size() <= kFewWords) {
    classified.strategy = "small";
  }
  classified.reason = classified.task_type + ", because " + because + "; " + std::to_string(words.size()) +
                      (words.size() == 1 ? " word" : " words");
  return classified;
}

std::string NodeIdFrom(std::string_view task) {
  constexpr size_t kLongest = 48;
  std::string id;
  for (const std::string& word : WordsOf(task)) {
    std::string plain;
    std::ranges::copy_if(word, std::back_inserter(plain), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; });
    if (plain.empty()) continue;
    if (id.size() + 1 + plain.size() > kLongest) break;
    id += (id.empty() ? "" : "-") + plain;
  }
  return id.empty() ? "node" : id;
}

}  // namespace wfe::generation
