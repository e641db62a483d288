#include "activities/gemini/redactor.h"

#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace wfe::activities {
namespace {

struct Shape {
  RE2 pattern;
  const char* replacement;
};

const std::vector<const Shape*>& Shapes() {
  static const std::vector<const Shape*> shapes = {
      new Shape{RE2("(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)"),
                "[redacted:pem]"},
      new Shape{RE2(R"(AIza[0-9A-Za-z_\-]{35})"), "[redacted:google_api_key]"},
      new Shape{RE2(R"(\bsk-[0-9A-Za-z_\-]{20,})"), "[redacted:api_key]"},
      new Shape{RE2(R"(\bgh[pousr]_[0-9A-Za-z]{36,})"), "[redacted:github_token]"},
      new Shape{RE2(R"(\bgithub_pat_[0-9A-Za-z_]{40,})"), "[redacted:github_token]"},
      new Shape{RE2(R"(\b(?:AKIA|ASIA)[0-9A-Z]{16}\b)"), "[redacted:aws_key]"},
      new Shape{RE2(R"(\b([A-Za-z][A-Za-z0-9+.\-]*://)[^\s/:@"'`\[\]{}$<>]+:[^\s/@"'`\[\]{}$<>]+@)"),
                R"(\1[redacted:url_credentials]@)"},
  };
  return shapes;
}

}  // namespace

Redactor::Redactor(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  std::erase_if(secrets_, [](const std::string& secret) { return secret.size() < 6; });
  std::sort(secrets_.begin(), secrets_.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string Redactor::Apply(std::string text, int64_t& count) const {
  for (const std::string& secret : secrets_) {
    for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
      constexpr std::string_view kReplacement = "[redacted:secret]";
      text.replace(at, secret.size(), kReplacement);
      at += kReplacement.size();
      ++count;
    }
  }
  for (const Shape* shape : Shapes()) count += RE2::GlobalReplace(&text, shape->pattern, shape->replacement);
  return text;
}

void Redactor::Apply(nlohmann::json& document, int64_t& count) const {
  if (document.is_string()) {
    document = Apply(document.get<std::string>(), count);
  } else if (document.is_object()) {
    for (auto& [key, value] : document.items()) {
      if (key != "thoughtSignature") Apply(value, count);
    }
  } else if (document.is_array()) {
    for (auto& value : document) Apply(value, count);
  }
}

}  // namespace wfe::activities
