#include "activities/packaged/trading/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "activities/packaged/trading/secrets.h"
#include "activities/sandbox/safe_files.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::trading {
namespace {

/// Languages of algorithms, and what stands beside them; .csv is prices only.
const std::map<std::string, std::string>& LanguagesByEnding() {
  static const std::map<std::string, std::string> kLanguages = {
      {"py", std::string(kPythonLanguage)}, {"js", "JavaScript"}, {"mjs", "JavaScript"}, {"ts", "TypeScript"},
      {"java", "Java"}, {"cpp", "C++"}, {"cc", "C++"}, {"h", "C++"}, {"hpp", "C++"}, {"c", "C"}, {"cs", "C#"},
      {"go", "Go"}, {"rs", "Rust"}, {"r", "R"}, {"jl", "Julia"}, {"m", "MATLAB"}, {"pine", "Pine Script"},
      {"mq4", "MQL"}, {"mq5", "MQL"}, {"kt", "Kotlin"}, {"scala", "Scala"}, {"rb", "Ruby"}, {"php", "PHP"},
      {"ipynb", "Jupyter notebook"}, {"sh", "shell"}, {"sql", "SQL"}, {"ini", "ini"}, {"cfg", "ini"}, {"conf", "ini"},
      {"toml", "TOML"}, {"yaml", "YAML"}, {"yml", "YAML"}, {"json", "JSON"}, {"env", "environment"}, {"txt", "text"},
      {"md", "text"}};
  return kLanguages;
}

std::string EndingOf(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const size_t dot = name.rfind('.');
  std::string ending = dot == std::string::npos ? "" : name.substr(dot + 1);
  std::ranges::transform(ending, ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return ending;
}

bool IsPricesName(const std::string& path) { return EndingOf(path) == "csv"; }

Result<SourceFile> Look(const sandbox::SafeDir& dir, const sandbox::SafeEntry& entry, const std::string& language) {
  SourceFile file{.path = entry.path, .language = language, .bytes = static_cast<int64_t>(entry.size)};
  if (entry.kind != sandbox::FileKind::kFile) {
    const bool link = entry.kind == sandbox::FileKind::kSymlink;
    file.fault = link ? "it is a symbolic link; links are not followed" : "it is no file";
    return file;
  }
  if (entry.size > kMaxSourceBytes) {
    file.fault = fmt::format("it has {} bytes; the limit of a file is {}", entry.size, kMaxSourceBytes);
    return file;
  }
  auto text = dir.Read(entry.path, kMaxSourceBytes);
  if (!text) {
    file.fault = "it cannot be read: " + text.error().message;
    return file;
  }
  file.sha256 = ToHex(Sha256(*text));
  if (text->find('\0') != std::string::npos) {
    file.fault = "it is not text: it has bytes that are 0 (UTF-16, or a program)";
  } else if (!sandbox::IsUtf8(*text)) {
    file.fault = "its text is not UTF-8";
  }
  return file;
}

/// What is behind it may be the algorithm itself: it must not be left out without a word.
bool LinksToFolder(const std::string& directory, const sandbox::SafeEntry& entry) {
  std::error_code ignored;
  return entry.kind == sandbox::FileKind::kSymlink && std::filesystem::is_directory(directory + "/" + entry.path, ignored);
}

std::string FaultOfAll(const std::string& directory, const TradingSources& sources) {
  if (sources.files.empty()) {
    return "there is no algorithm in " + directory + ": it holds no file of a kind that is examined";
  }
  const SourceFile& first = sources.files.front();
  return fmt::format("nothing in {} can be examined: {}: {}{}", directory, first.path, first.fault,
                     sources.files.size() > 1 ? fmt::format(" (and {} more)", sources.files.size() - 1) : "");
}

}  // namespace

std::string LanguageOf(const std::string& path) {
  const auto found = LanguagesByEnding().find(EndingOf(path));
  return found == LanguagesByEnding().end() ? "" : found->second;
}

Result<TradingSources> ReadTradingSources(const std::string& directory) {
  auto dir = sandbox::SafeDir::Open(directory);
  if (!dir) return dir.error();
  sandbox::SafeDir::ListOptions all;
  all.excluded = {"__pycache__", "venv"};
  all.skips_unreadable = false;  // What nobody could look at must not be left out without a word.
  WFE_ASSIGN_OR_RETURN(const auto entries, dir->List("", all));
  TradingSources sources;
  for (const sandbox::SafeEntry& entry : entries) {
    if (entry.kind == sandbox::FileKind::kDirectory) continue;
    if (IsPricesName(entry.path)) {
      if (sources.prices.empty() || entry.path == "prices.csv") sources.prices = entry.path;
      continue;
    }
    const std::string language = LinksToFolder(directory, entry) ? "a folder" : LanguageOf(entry.path);
    if (language.empty()) continue;
    if (entry.path == "parameters.json" || entry.path == "params.json") {
      if (sources.parameters.empty()) sources.parameters = entry.path;
    }
    if (sources.files.size() == kMaxSourceFiles) {
      return InvalidArgument(fmt::format("{} holds more than {} files; name the folder of the algorithm alone",
                                         directory,
                                         kMaxSourceFiles));
    }
    WFE_ASSIGN_OR_RETURN(SourceFile file, Look(*dir, entry, language));
    sources.files.push_back(std::move(file));
  }
  if (std::ranges::none_of(sources.files, [](const SourceFile& file) { return file.fault.empty(); })) {
    return InvalidArgument(FaultOfAll(directory, sources));
  }
  return sources;
}

Result<std::vector<LoadedSource>> LoadSources(const std::string& directory, const TradingSources& sources) {
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(directory));
  std::vector<LoadedSource> loaded;
  for (const SourceFile& file : sources.files) {
    if (!file.fault.empty()) continue;
    auto text = dir.Read(file.path, kMaxSourceBytes);
    if (!text || ToHex(Sha256(*text)) != file.sha256) {
      return FailedPrecondition(file.path + " has changed since this run has begun; start it again");
    }
    loaded.push_back({.file = file, .text = *std::move(text)});
  }
  return loaded;
}

Result<TradingParameters> ReadTradingParameters(const std::string& directory, const TradingSources& sources) {
  TradingParameters parameters;
  if (sources.parameters.empty()) return parameters;
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(directory));
  WFE_ASSIGN_OR_RETURN(const std::string text, dir.Read(sources.parameters, kMaxSourceBytes));
  nlohmann::json json = ParseJson(text);
  if (json.is_discarded()) return InvalidArgument(sources.parameters + " " + WhyNotJson(text));
  if (!json.is_object()) return InvalidArgument(sources.parameters + " must be a JSON object");
  if (const auto costs = json.find("backtest"); costs != json.end()) {
    try {
      parameters.costs = costs->get<CostModel>();
    } catch (const nlohmann::json::exception& e) {
      return InvalidArgument(sources.parameters + ": " + JsonErrorText(e));
    }
    json.erase("backtest");
  }
  parameters.algorithm = std::move(json);
  return parameters;
}

Result<std::string> ReadPricesText(const std::string& directory, const TradingSources& sources) {
  if (sources.prices.empty()) return std::string();
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(directory));
  auto text = dir.Read(sources.prices, kMaxPricesBytes);
  if (!text) return InvalidArgument(sources.prices + ": " + text.error().message);
  return *std::move(text);
}

sandbox::SecretMask MaskOf(const std::vector<LoadedSource>& loaded) {
  std::vector<std::string> values;
  for (const LoadedSource& source : loaded) {
    for (const FoundSecret& secret : FindSecrets(source.text)) values.push_back(secret.value);
  }
  return sandbox::SecretMask(std::move(values));
}

std::string EvidenceAt(const LoadedSource& source, int64_t line, const sandbox::SecretMask& mask) {
  const std::vector<std::string> lines = sandbox::SplitLines(source.text);
  if (line < 1 || static_cast<size_t>(line) > lines.size()) return "";
  std::string text = mask.Apply(sandbox::CleanTerminalText(lines[static_cast<size_t>(line) - 1]));
  text.erase(0, std::min(text.find_first_not_of(" \t"), text.size()));
  constexpr size_t kMost = 160;
  return text.size() <= kMost ? text : sandbox::ToUtf8(text.substr(0, kMost)) + "…";
}

void AddEvidence(std::vector<TradingFinding>& findings, const std::vector<LoadedSource>& loaded) {
  const sandbox::SecretMask mask = MaskOf(loaded);
  for (TradingFinding& finding : findings) {
    finding.message = mask.Apply(std::move(finding.message));
    const auto found =
        std::ranges::find_if(loaded, [&](const LoadedSource& source) { return source.file.path == finding.file; });
    if (finding.line > 0 && found != loaded.end()) finding.evidence = EvidenceAt(*found, finding.line, mask);
  }
}

}  // namespace wfe::trading
