#include "activities/packaged/trading/examine.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "activities/packaged/trading/audit_patterns.h"
#include "activities/packaged/trading/python_run.h"
#include "activities/packaged/trading/rules.h"
#include "engine/base/parse_json.h"

namespace wfe::trading {
namespace {

using nlohmann::json;

constexpr auto kParserTime = std::chrono::seconds(60);

bool IsProgramLanguage(const std::string& language) {
  static const std::set<std::string> kData = {"ini", "TOML", "YAML", "JSON", "environment", "text", "a folder"};
  return !language.empty() && !kData.contains(language);
}

class FolderExaminer {
 public:
  FolderExaminer(const std::vector<LoadedSource>& loaded, const TradingSources& sources)
      : loaded_(loaded), sources_(sources) {}

  Status Examine(const nodes::NodeSettings& settings, const sandbox::ProcessWatch& watch) {
    for (const SourceFile& file : sources_.files) {
      if (!file.fault.empty()) folder_.unread.push_back({.path = file.path, .reason = file.fault});
    }
    folder_.findings = AuditSecrets(loaded_);
    folder_.method = kBySyntax;
    std::vector<const LoadedSource*> python;
    for (const LoadedSource& source : loaded_) {
      if (source.file.language == kPythonLanguage) python.push_back(&source);
    }
    WFE_ASSIGN_OR_RETURN(const bool parsed, Parse(settings, watch, python));
    if (!parsed) folder_.method = kByPatterns;
    for (const LoadedSource& source : loaded_) {
      const bool is_python = source.file.language == kPythonLanguage;
      const bool is_unread = IsUnread(source.file.path);
      if (is_python && !parsed && WordsOf(source.text).empty()) empty_.insert(source.file.path);
      if (is_python && !is_unread) {
        ++(empty_.contains(source.file.path) ? folder_.programs_empty : folder_.programs_read);
      }
      if (is_python && parsed && !is_unread) continue;
      if (!IsProgramLanguage(source.file.language)) continue;
      ReadByPatterns(source, is_python);
    }
    return Ok();
  }

  /// Their names are what the algorithm speaks of, also where they are no parameters: then the words of their text.
  void TakeParameters(const Result<TradingParameters>& parameters) {
    if (parameters) {
      for (const auto& [key, value] : parameters->algorithm.items()) identifiers_.insert(key);
      return;
    }
    const std::string& path = sources_.parameters;
    if (!IsUnread(path)) folder_.unread.push_back({.path = path, .reason = parameters.error().message});
    for (const LoadedSource& source : loaded_) {
      if (source.file.path != path) continue;
      for (std::string& word : WordsOf(source.text)) identifiers_.insert(std::move(word));
    }
  }

  ExaminedFolder Finish() {
    // What nobody has read has not forgotten anything.
    const bool by_patterns = folder_.method == kByPatterns && folder_.programs_read > 0;
    if (!folder_.functions.empty() || !folder_.entry.file.empty() || by_patterns) {
      const std::vector<std::string> names(identifiers_.begin(), identifiers_.end());
      const AlgorithmEntry& entry = folder_.entry;
      std::string file = entry.file;
      int64_t line = 0;
      for (const AlgorithmFunction& function : folder_.functions) {
        if (function.file == entry.file && function.name == entry.function) line = function.line;
      }
      if (file.empty() && !folder_.functions.empty()) file = folder_.functions.front().file;
      for (TradingFinding& finding : AuditOmissions(names, file, line)) {
        if (folder_.functions.empty()) finding.source = kByPatterns;
        folder_.findings.push_back(std::move(finding));
      }
    }
    AddEvidence(folder_.findings, loaded_);
    SortFindings(folder_.findings);
    return std::move(folder_);
  }

 private:
  void ReadByPatterns(const LoadedSource& source, bool is_python) {
    if (!is_python) {
      folder_.notes.push_back(source.file.path + ": it is " + source.file.language +
                              ", which is not analysed: only patterns of secrets and injection were looked for");
    }
    for (TradingFinding& finding : AuditByPatterns(source)) folder_.findings.push_back(std::move(finding));
    for (std::string& word : WordsOf(source.text)) identifiers_.insert(std::move(word));
  }

  /// False: there is no parser.
  Result<bool> Parse(const nodes::NodeSettings& settings, const sandbox::ProcessWatch& watch,
                     const std::vector<const LoadedSource*>& python) {
    if (python.empty()) return true;
    json files = json::array();
    for (const LoadedSource* source : python) files.push_back({{"path", source->file.path}, {"text", source->text}});
    const PythonTask task{.task = "analyze", .request = {{"files", std::move(files)}}, .wall_clock = kParserTime};
    const auto answer = RunTradingPython(settings, task, watch);
    if (!answer && answer.error().code == StatusCode::kFailedPrecondition) {
      folder_.notes.push_back("the algorithm was looked at by patterns only: " + answer.error().message);
      return false;
    }
    if (!answer) return answer.error();
    for (size_t i = 0; i < python.size(); ++i) {
      if (i < answer->lines.size()) {
        WFE_RETURN_IF_ERROR(Take(*python[i], answer->lines[i]));
        continue;
      }
      const std::string why = answer->fault.empty() ? "the parser gave no answer" : answer->fault;
      Unread(python[i]->file.path, "Python's parser could not read it: " +
                                       (i == answer->lines.size() ? why : "not tried after the one before"));
    }
    return true;
  }

  bool IsUnread(const std::string& path) const {
    return std::ranges::find(folder_.unread, path, &UnreadFile::path) != folder_.unread.end();
  }
  /// Its text is searched all the same: a secret needs no grammar.
  void Unread(const std::string& path, const std::string& why) {
    folder_.unread.push_back({.path = path, .reason = why + "; only patterns of secrets and injection were looked for"});
  }

  Status Take(const LoadedSource& source, const json& answer) {
    const std::string& path = source.file.path;
    try {
      if (const std::string fault = answer.at("fault").get<std::string>(); !fault.empty()) {
        const auto line = answer.at("fault_line").get<int64_t>();
        Unread(path, (line > 0 ? fmt::format("line {}: ", line) : "") + fault);
        return Ok();
      }
      if (!answer.at("code").get<bool>()) {
        empty_.insert(path);
        folder_.notes.push_back(path + ": there is no code in it");
      }
      for (const json& finding : answer.at("findings")) {
        folder_.findings.push_back(MakeFinding(finding.at("rule").get<std::string>(), path,
                                               finding.at("line").get<int64_t>(),
                                               finding.at("message").get<std::string>(), kBySyntax));
      }
      for (const json& function : answer.at("functions")) {
        folder_.functions.push_back({.file = path,
                                     .name = function.at("name").get<std::string>(),
                                     .line = function.at("line").get<int64_t>(),
                                     .lines = function.at("lines").get<int64_t>(),
                                     .paths = function.at("paths").get<int64_t>(),
                                     .says = function.at("says").get<std::string>()});
      }
      for (const json& name : answer.at("identifiers")) identifiers_.insert(name.get<std::string>());
      for (const json& name : answer.at("imports")) imports_.insert(name.get<std::string>());
      folder_.imports.assign(imports_.begin(), imports_.end());
      if (const std::string entry = answer.at("entry").get<std::string>(); !entry.empty()) TakeEntry(path, entry);
      if (const std::string fault = answer.at("entry_fault").get<std::string>(); !fault.empty()) {
        folder_.entry_fault = fmt::format("{}:{}: {}", path, answer.at("entry_line").get<int64_t>(), fault);
      }
    } catch (const json::exception& e) {
      return Internal("the parser of algorithms answered what is no answer: " + JsonErrorText(e));
    }
    return Ok();
  }

  void TakeEntry(const std::string& path, const std::string& function) {
    if (folder_.entry.file.empty()) {
      folder_.entry = {.file = path, .function = function};
    } else {
      folder_.notes.push_back(path + ": it has " + function + "() too; " + folder_.entry.file +
                              " is the one that is run");
    }
  }

  const std::vector<LoadedSource>& loaded_;
  const TradingSources& sources_;
  ExaminedFolder folder_;
  std::set<std::string> identifiers_;
  std::set<std::string> imports_;
  std::set<std::string> empty_;  // programs without a line of code
};

}  // namespace

Result<ExaminedFolder> ExamineFolder(const nodes::NodeSettings& settings, const std::string& directory,
                                     const TradingSources& sources, const sandbox::ProcessWatch& watch) {
  WFE_ASSIGN_OR_RETURN(const std::vector<LoadedSource> loaded, LoadSources(directory, sources));
  FolderExaminer examiner(loaded, sources);
  WFE_RETURN_IF_ERROR(examiner.Examine(settings, watch));
  examiner.TakeParameters(ReadTradingParameters(directory, sources));
  return examiner.Finish();
}

std::string WhyNothingRuns(const TradingSources& sources, const ExaminedFolder& folder) {
  if (!folder.entry_fault.empty()) return folder.entry_fault;
  std::string unread;
  std::string other;
  for (const SourceFile& file : sources.files) {
    const bool is_unread = std::ranges::find(folder.unread, file.path, &UnreadFile::path) != folder.unread.end();
    if (file.language == kPythonLanguage && is_unread && unread.empty()) unread = file.path;
    if (file.language != kPythonLanguage && IsProgramLanguage(file.language) && other.empty()) {
      other = file.path + " is " + file.language;
    }
  }
  const std::string wanted = "signals(bars, params) or decide(bars, params) at its top";
  if (!unread.empty()) return "there is nothing to run: " + unread + " cannot be read, and no other file has " + wanted;
  if (folder.programs_read == 0 && !other.empty()) {
    return "there is nothing to run: " + other + ", and only Python is run";
  }
  return "there is nothing to run: no Python file has a function " + wanted;
}

StepFindings FindingsOfStep(const ExaminedFolder& folder, std::string_view step) {
  StepFindings found{.method = folder.method};
  for (const TradingFinding& finding : folder.findings) {
    const TradingRule* const rule = FindTradingRule(finding.rule);
    if (rule != nullptr && rule->step == step) found.findings.push_back(finding);
  }
  return found;
}

}  // namespace wfe::trading
