#include "activities/agent/step/redactor.h"

#include <re2/re2.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <utility>

namespace wfe::agent {
namespace {

struct Shape {
  Shape(const char* regex, const char* with) : pattern(regex), replacement(with) {}
  RE2 pattern;
  const char* replacement;
};

const std::deque<Shape>& Shapes() {
  static const std::deque<Shape> shapes = [] {
    std::deque<Shape> all;  // a pattern can be neither copied nor moved
    const auto add = [&all](const char* pattern, const char* replacement) { all.emplace_back(pattern, replacement); };
    add("(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)", "[redacted:pem]");
    add(R"(AIza[0-9A-Za-z_\-]{35})", "[redacted:google_api_key]");
    add(R"(\bsk-[0-9A-Za-z_\-]{20,})", "[redacted:api_key]");
    add(R"(\bgh[pousr]_[0-9A-Za-z]{36,})", "[redacted:github_token]");
    add(R"(\bgithub_pat_[0-9A-Za-z_]{40,})", "[redacted:github_token]");
    add(R"(\b(?:AKIA|ASIA)[0-9A-Z]{16}\b)", "[redacted:aws_key]");
    add(R"(\b([A-Za-z][A-Za-z0-9+.\-]*://)[^\s/:@"'`\[\]{}$<>]+:[^\s/@"'`\[\]{}$<>]+@)",
        R"(\1[redacted:url_credentials]@)");
    return all;
  }();
  return shapes;
}

}  // namespace

Redactor::Redactor(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  std::erase_if(secrets_, [](const std::string& secret) { return secret.size() < 6; });
  std::sort(secrets_.begin(), secrets_.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string Redactor::MaskSecrets(std::string text, int64_t& count) const {
  for (const std::string& secret : secrets_) {
    for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
      constexpr std::string_view kReplacement = "[redacted:secret]";
      text.replace(at, secret.size(), kReplacement);
      at += kReplacement.size();
      ++count;
    }
  }
  return text;
}

bool Redactor::HoldsSecret(std::string_view text) const {
  return std::any_of(secrets_.begin(), secrets_.end(),
                     [text](const std::string& secret) { return text.find(secret) != std::string_view::npos; });
}

bool Redactor::HoldsSecret(const nlohmann::json& document) const {
  if (document.is_string()) return HoldsSecret(std::string_view(document.get_ref<const std::string&>()));
  if (!document.is_structured()) return false;
  return std::any_of(document.begin(), document.end(), [this](const auto& value) { return HoldsSecret(value); });
}

void Redactor::MaskSecrets(nlohmann::json& document, int64_t& count) const {
  if (document.is_string()) {
    if (HoldsSecret(document)) document = MaskSecrets(document.get<std::string>(), count);
  } else if (document.is_structured()) {
    for (auto& value : document) MaskSecrets(value, count);
  }
}

std::string Redactor::Apply(std::string text, int64_t& count) const {
  text = MaskSecrets(std::move(text), count);
  for (const Shape& shape : Shapes()) count += RE2::GlobalReplace(&text, shape.pattern, shape.replacement);
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

}  // namespace wfe::agent
