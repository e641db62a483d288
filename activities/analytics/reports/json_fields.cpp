#include "activities/analytics/reports/json_fields.h"

#include <cmath>

#include "activities/analytics/reports/format.h"

namespace wfe::analytics::reports {
namespace {

std::string AsText(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return FormatPlain(value.get<double>());
  // `replace`: text that is not UTF-8 must not throw here.
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void Flatten(const nlohmann::json& object, const std::string& prefix, std::vector<NamedText>& out) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) {
      Flatten(value, prefix + key + ".", out);
    } else if (!value.is_null()) {
      out.emplace_back(prefix + key, AsText(value));
    }
  }
}

}  // namespace

Fields::Fields(const nlohmann::json& object, std::string path, std::string* problem)
    : object_(object.is_object() ? &object : nullptr), path_(std::move(path)), problem_(problem) {
  if (object_ == nullptr && problem_->empty())
    *problem_ = (path_.empty() ? "the report" : path_) + " must be an object";
}

std::string Fields::Path(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void Fields::Wrong(std::string_view name, std::string_view must) const {
  if (problem_->empty()) *problem_ = Path(name) + " " + std::string(must);
}

void Fields::Require(std::string_view name) const {
  if (Find(name) == nullptr) Wrong(name, "is missing");
}

const nlohmann::json* Fields::Find(std::string_view name) const {
  if (object_ == nullptr) return nullptr;
  const auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

const nlohmann::json* Fields::FindList(std::string_view name) const {
  const nlohmann::json* value = Find(name);
  if (value != nullptr && !value->is_array()) {
    Wrong(name, "must be a list");
    return nullptr;
  }
  return value;
}

bool Fields::IsText(std::string_view name) const {
  const nlohmann::json* value = Find(name);
  return value != nullptr && value->is_string();
}

std::string Fields::Text(std::string_view name) const {
  Require(name);
  return TextOr(name);
}

std::string Fields::TextOr(std::string_view name) const { return MaybeText(name).value_or(std::string()); }

OptionalText Fields::MaybeText(std::string_view name) const {
  const nlohmann::json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  Wrong(name, "must be a text");
  return std::nullopt;
}

double Fields::Number(std::string_view name) const {
  Require(name);
  return MaybeNumber(name).value_or(0);
}

OptionalNumber Fields::MaybeNumber(std::string_view name) const {
  const nlohmann::json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number() && std::isfinite(value->get<double>())) return value->get<double>();
  Wrong(name, "must be a finite number");
  return std::nullopt;
}

std::optional<bool> Fields::MaybeBool(std::string_view name) const {
  const nlohmann::json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  Wrong(name, "must be true or false");
  return std::nullopt;
}

std::optional<Interval> Fields::MaybeInterval(std::string_view name) const {
  const nlohmann::json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_array() && value->size() == 2 && (*value)[0].is_number() && (*value)[1].is_number()) {
    const Interval interval{(*value)[0].get<double>(), (*value)[1].get<double>()};
    if (std::isfinite(interval.low) && std::isfinite(interval.high) && interval.low <= interval.high) return interval;
  }
  Wrong(name, "must be two numbers, the lower one first");
  return std::nullopt;
}

std::vector<std::string> Fields::Texts(std::string_view name) const {
  std::vector<std::string> texts;
  const nlohmann::json* list = FindList(name);
  if (list == nullptr) return texts;
  for (const nlohmann::json& item : *list) {
    if (item.is_string()) {
      texts.push_back(item.get<std::string>());
    } else {
      Wrong(name, "must be a list of texts");
    }
  }
  return texts;
}

std::string Fields::AnyText(std::string_view name) const {
  const nlohmann::json* value = Find(name);
  return value == nullptr ? std::string() : AsText(*value);
}

std::vector<NamedText> Fields::NamedTexts(std::string_view name) const {
  std::vector<NamedText> texts;
  const nlohmann::json* value = Find(name);
  if (value == nullptr) return texts;
  if (value->is_object()) {
    Flatten(*value, "", texts);
  } else {
    Wrong(name, "must be an object");
  }
  return texts;
}

std::vector<std::pair<std::string, double>> Fields::NamedNumbers(std::string_view name) const {
  std::vector<std::pair<std::string, double>> numbers;
  Object(name, [&](const Fields& fields) {
    if (fields.object_ == nullptr) return;
    for (const auto& [key, value] : fields.object_->items()) {
      if (const OptionalNumber number = fields.MaybeNumber(key)) numbers.emplace_back(key, *number);
    }
  });
  return numbers;
}

Cell Fields::CellAt(std::string_view name) const {
  const nlohmann::json* value = Find(name);
  if (value == nullptr) return std::monostate{};
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_number()) return value->get<double>();
  if (!value->is_array()) return AsText(*value);
  if (value->size() == 2 && (*value)[0].is_number() && (*value)[1].is_number()) {
    return Interval{(*value)[0].get<double>(), (*value)[1].get<double>()};
  }
  std::vector<std::string> texts;
  for (const nlohmann::json& item : *value) texts.push_back(AsText(item));
  return texts;
}

}  // namespace wfe::analytics::reports
