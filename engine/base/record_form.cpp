#include "engine/base/record_form.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/parse_json.h"
#include "engine/base/record_json.h"

namespace wfe {

using nlohmann::json;

void RefuseRecord(const std::string& sentence) { throw json::other_error::create(503, sentence, nullptr); }

void RequireOfRecord(bool condition, const std::string& sentence) {
  if (!condition) RefuseRecord(sentence);
}

namespace record_internal {
namespace {

/// Errors with this id begin with the path of a member.
constexpr int kOfMember = 501;

[[noreturn]] void RefuseMember(const std::string& path, const std::string& what) {
  throw json::other_error::create(kOfMember, path + what, nullptr);
}

/// "name: what was wrong", or the path continued where the error lies deeper.
[[noreturn]] void RefuseAt(const std::string& name, const json::exception& error) {
  const std::string said = JsonErrorText(error);
  if (error.id != kOfMember) RefuseMember(name, (said.starts_with("must ") ? " " : ": ") + said);
  RefuseMember(name, (said.starts_with('[') ? "" : ".") + said);
}

[[noreturn]] void RefuseType(const char* must) { throw json::type_error::create(302, must, nullptr); }
[[noreturn]] void RefuseNumber() { RefuseType("must be a whole number"); }

/// A whole number as other languages write it: 3.0.
int64_t WholeOf(double number) {
  if (!(number >= -9007199254740992.0 && number <= 9007199254740992.0)) RefuseNumber();
  const auto whole = static_cast<int64_t>(number);
  if (static_cast<double>(whole) != number) RefuseNumber();
  return whole;
}

std::string NameIn(const RecordForm& form, std::string_view name) {
  return form.subject.empty() ? std::string(name) : std::string(form.subject) + "." + std::string(name);
}

void ReadOne(const json& from, const RecordForm& form, const MemberForm& member, void* record) {
  const auto found = from.find(member.name);
  const bool is_there = found != from.end();
  if (!is_there || (found->is_null() && !member.value->takes_null)) {
    if (member.value->clear != nullptr) {
      if (is_there) member.value->clear(member.at(record));
    } else if (member.is_required) {
      RefuseMember(NameIn(form, member.name), is_there ? " must not be null" : " is missing");
    }
    return;
  }
  try {
    member.value->read(*found, member.at(record));
  } catch (const json::exception& e) {
    RefuseAt(NameIn(form, member.name), e);
  }
}

}  // namespace

void Write(json& to, const RecordForm& form, const void* record) {
  void* const whole = const_cast<void*>(record);  // Only read; the ways to a member serve both directions.
  to = json::object();
  // What is known wins over what an unknown key says.
  if (form.extra != nullptr && form.extra(whole)->is_object()) to = *form.extra(whole);
  void* const as_new = form.as_new == nullptr ? nullptr : const_cast<void*>(form.as_new());
  for (const MemberForm& member : form.members) {
    const void* const value = member.at(whole);
    if (member.equals != nullptr && member.equals(value, member.at(as_new))) continue;
    if (member.value->is_empty != nullptr && member.value->is_empty(value)) continue;
    member.value->write(to[member.name], value);
  }
}

void Read(const json& from, const RecordForm& form, void* record) {
  if (!from.is_object()) {
    const std::string subject(form.subject);
    RefuseRecord((subject.empty() ? "" : "the " + subject + " ") + "must be a JSON object");
  }
  for (const MemberForm& member : form.members) ReadOne(from, form, member, record);
  json* const extra = form.extra == nullptr ? nullptr : form.extra(record);
  if (extra != nullptr) *extra = json::object();
  if (extra != nullptr || form.refuses_unknown) {
    for (const auto& [key, value] : from.items()) {
      if (Knows(form, key)) continue;
      if (extra == nullptr) RefuseMember(NameIn(form, key), " is not known");
      (*extra)[key] = value;
    }
  }
  form.check(record);
}

bool Knows(const RecordForm& form, std::string_view key) {
  for (const MemberForm& member : form.members) {
    if (key == member.name) return true;
  }
  return false;
}

void WriteList(json& to, const ValueForm& form, const void* first, size_t size, size_t bytes) {
  json::array_t list(size);
  for (size_t i = 0; i < size; ++i) form.write(list[i], static_cast<const char*>(first) + i * bytes);
  to = std::move(list);
}

size_t SizeOfList(const json& from) {
  if (!from.is_array()) RefuseType("must be a list");
  return from.size();
}

void ReadList(const json& from, const ValueForm& form, void* first, size_t bytes) {
  for (size_t i = 0; i < from.size(); ++i) {
    try {
      form.read(from[i], static_cast<char*>(first) + i * bytes);
    } catch (const json::exception& e) {
      RefuseAt("[" + std::to_string(i) + "]", e);
    }
  }
}

void RequireObject(const json& from) {
  if (!from.is_object()) RefuseType("must be an object");
}

void ReadEntry(const std::string& key, const json& from, const ValueForm& form, void* value) {
  try {
    form.read(from, value);
  } catch (const json::exception& e) {
    RefuseAt("[" + key + "]", e);
  }
}

int64_t ReadSigned(const json& from, int64_t least, int64_t most) {
  int64_t number = 0;
  if (from.is_number_unsigned()) {
    if (from.get<uint64_t>() > static_cast<uint64_t>(most)) RefuseNumber();
    number = from.get<int64_t>();
  } else if (from.is_number_integer()) {
    number = from.get<int64_t>();
  } else if (from.is_number_float()) {
    number = WholeOf(from.get<double>());
  } else {
    RefuseNumber();
  }
  if (number < least || number > most) RefuseNumber();
  return number;
}

uint64_t ReadUnsigned(const json& from, uint64_t most) {
  uint64_t number = 0;
  if (from.is_number_unsigned()) {
    number = from.get<uint64_t>();
  } else {
    number = static_cast<uint64_t>(ReadSigned(from, 0, std::numeric_limits<int64_t>::max()));
  }
  if (number > most) RefuseNumber();
  return number;
}

json NumberOfKey(const std::string& key) { return ParseJson(key); }

template struct FormOf<bool>;
template struct FormOf<int>;
template struct FormOf<int64_t>;
template struct FormOf<double>;
template struct FormOf<std::string>;
template struct FormOf<json>;
template struct FormOf<std::vector<std::string>>;
template struct FormOf<std::optional<int64_t>>;
template struct FormOf<std::optional<double>>;
template struct FormOf<std::optional<std::string>>;

}  // namespace record_internal
}  // namespace wfe
