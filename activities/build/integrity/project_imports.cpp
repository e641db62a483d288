#include "activities/build/integrity/project_imports.h"

#include <re2/re2.h>

#include <algorithm>

#include "activities/build/integrity/test_patterns.h"

namespace wfe::build {
namespace {

std::string Folder(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(path.substr(0, slash + 1));
}

std::string ResolveJavaScript(std::string_view path, const std::string& specifier,
                              const std::set<std::string>& files) {
  if (!specifier.starts_with('.')) return "";
  const std::string base = CleanPath(Folder(path) + specifier);
  if (base.empty()) return "";
  if (files.contains(base)) return base;
  static constexpr std::string_view kExtensions[] = {".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"};
  // "./x.js" may mean x.ts, as TypeScript's ESM has it.
  std::vector<std::string> stems = {base};
  for (const std::string_view extension : {".js", ".mjs", ".cjs", ".jsx"}) {
    if (base.ends_with(extension)) stems.push_back(base.substr(0, base.size() - extension.size()));
  }
  stems.push_back(base + "/index");
  for (const std::string& stem : stems) {
    for (const std::string_view extension : kExtensions) {
      if (files.contains(stem + std::string(extension))) return stem + std::string(extension);
    }
  }
  return "";
}

std::string ResolvePython(std::string_view path, std::string specifier, const std::set<std::string>& files) {
  std::vector<std::string> roots = {"", "src/", Folder(path)};
  if (specifier.starts_with('.')) {
    std::string folder = Folder(path);
    size_t dots = specifier.find_first_not_of('.');
    if (dots == std::string::npos) dots = specifier.size();
    for (size_t up = 1; up < dots; ++up) folder += "../";
    roots = {folder};
    specifier.erase(0, dots);
  }
  std::replace(specifier.begin(), specifier.end(), '.', '/');
  for (const std::string& root : roots) {
    for (const std::string_view ending : {".py", "/__init__.py"}) {
      const std::string candidate = CleanPath(root + specifier + std::string(ending));
      if (!candidate.empty() && files.contains(candidate)) return candidate;
    }
  }
  return "";
}

}  // namespace

std::string CleanPath(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return "";
    } else {
      parts.pop_back();
    }
  }
  std::string clean;
  for (const std::string_view part : parts) clean += (clean.empty() ? "" : "/") + std::string(part);
  return clean;
}

bool LiesWhereNobodyLooks(std::string_view path) {
  size_t start = 0;
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', start)) {
    const std::string_view folder = path.substr(start, slash - start);
    start = slash + 1;
    if (folder.starts_with('.')) return true;
    for (const std::string_view name :
         {"dist", "build", "out", "coverage", "node_modules", "venv", "__pycache__", "site-packages", "target"}) {
      if (folder == name) return true;
    }
  }
  return false;
}

std::string ResolveModule(std::string_view path, Language language, const std::string& specifier,
                          const std::set<std::string>& files) {
  if (language == Language::kJavaScript) return ResolveJavaScript(path, specifier, files);
  if (language == Language::kPython) return ResolvePython(path, specifier, files);
  return "";
}

std::vector<Import> ReadImports(std::string_view path, const SourceText& text, const std::set<std::string>& files) {
  static const RE2 kJs(R"(\b(?:from|import|require\s*\(|import\s*\(|requireActual\s*\()\s*["'`])");
  static const RE2 kPythonFrom(R"((?m)^[ \t]*from[ \t]+([.\w]+)[ \t]+import\b)");
  static const RE2 kPythonImport(R"((?m)^[ \t]*import[ \t]+([.\w]+))");
  static const RE2 kPythonNames(R"((?m)^[ \t]*from[ \t]+([.\w]+[ \t]+import[ \t]+\(?[\w, \t\n]*))");
  std::vector<Import> imports;
  const auto add = [&](std::string specifier, size_t at) {
    std::string file = ResolveModule(path, text.language, specifier, files);
    imports.push_back({.specifier = std::move(specifier), .file = std::move(file), .line = LineAt(text.raw, at)});
  };
  if (text.language == Language::kJavaScript) {
    Each(kJs, text.code, [&](size_t at, std::string_view match, std::string_view) {
      const size_t open = at + match.size() - 1;
      const size_t close = text.raw.find(text.raw[open], open + 1);
      if (close != std::string::npos) add(text.raw.substr(open + 1, close - open - 1), at);
    });
  }
  if (text.language == Language::kPython) {
    Each(kPythonFrom, text.code, [&](size_t at, std::string_view, std::string_view name) { add(std::string(name), at); });
    Each(kPythonImport, text.code,
         [&](size_t at, std::string_view, std::string_view name) { add(std::string(name), at); });
    // `from pkg import calc` may name a module.
    Each(kPythonNames, text.code, [&](size_t at, std::string_view, std::string_view rest) {
      const size_t blank = rest.find_first_of(" \t");
      const std::string module(rest.substr(0, blank));
      std::string name;
      for (const char c : rest.substr(rest.find("import") + 6)) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
          name += c;
          continue;
        }
        if (!name.empty()) add(module + (module.ends_with('.') ? "" : ".") + name, at);
        name.clear();
      }
      if (!name.empty()) add(module + (module.ends_with('.') ? "" : ".") + name, at);
    });
  }
  return imports;
}

}  // namespace wfe::build
