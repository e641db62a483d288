#include "tests/lint/mutation_tools.h"

namespace wfe::lint {
namespace {

/// Fields that hold event ids.
bool IsReference(const std::string& field) {
  return field.ends_with("_event_id") && !field.starts_with("parent_") && !field.starts_with("external_");
}

}  // namespace

size_t Below(Random& random, size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random); }

std::optional<size_t> Pick(const Events& events, Random& random, const std::function<bool(size_t)>& wanted) {
  std::vector<size_t> candidates;
  for (size_t i = 0; i < events.size(); ++i) {
    if (wanted(i)) candidates.push_back(i);
  }
  if (candidates.empty()) return std::nullopt;
  return candidates[Below(random, candidates.size())];
}

std::optional<size_t> PickType(const Events& events, Random& random, enums::EventType type) {
  return Pick(events, random, [&](size_t i) { return events[i].event_type() == type; });
}

void Renumber(Events& events, EventId from, int64_t by) {
  for (HistoryEvent& event : events) {
    if (event.event_id() >= from) event.set_event_id(event.event_id() + by);
    const auto* reflection = event.GetReflection();
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    reflection->ListFields(event, &fields);
    for (const auto* field : fields) {
      if (field->containing_oneof() == nullptr) continue;
      auto* attributes = reflection->MutableMessage(&event, field);
      for (int i = 0; i < attributes->GetDescriptor()->field_count(); ++i) {
        const auto* reference = attributes->GetDescriptor()->field(i);
        if (reference->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_INT64 ||
            !IsReference(reference->name())) {
          continue;
        }
        const int64_t id = attributes->GetReflection()->GetInt64(*attributes, reference);
        if (id >= from) attributes->GetReflection()->SetInt64(attributes, reference, id + by);
      }
    }
  }
}

void Erase(Events& events, size_t at) {
  const EventId id = events[at].event_id();
  events.erase(events.begin() + static_cast<std::ptrdiff_t>(at));
  Renumber(events, id + 1, -1);
}

void Repeat(Events& events, size_t at, size_t behind) {
  HistoryEvent copy = events[at];
  Renumber(events, events[behind].event_id() + 1, 1);
  copy.set_event_id(events[behind].event_id() + 1);
  copy.mutable_event_time()->CopyFrom(events[behind].event_time());
  events.insert(events.begin() + static_cast<std::ptrdiff_t>(behind) + 1, copy);
}

google::protobuf::Message* Attributes(HistoryEvent& event) {
  const auto* field = HistoryEvent::descriptor()->FindFieldByNumber(static_cast<int>(event.attributes_case()));
  return event.GetReflection()->MutableMessage(&event, field);
}

Mutation Retarget(enums::EventType type, const std::string& field, int64_t shift) {
  const std::string name = enums::EventType_Name(type) + "." + field + (shift > 0 ? " forward" : " backward");
  return {name, [=](Events& events, Random& random) {
            const auto at = PickType(events, random, type);
            if (!at) return false;
            auto* attributes = Attributes(events[*at]);
            const auto* descriptor = attributes->GetDescriptor()->FindFieldByName(field);
            const int64_t id = attributes->GetReflection()->GetInt64(*attributes, descriptor);
            if (id == 0) return false;
            attributes->GetReflection()->SetInt64(attributes, descriptor, id + shift);
            return true;
          }};
}

Mutation Duplicate(enums::EventType type) {
  return {"duplicate " + enums::EventType_Name(type), [=](Events& events, Random& random) {
            const auto at = PickType(events, random, type);
            if (!at) return false;
            Repeat(events, *at, *at);
            return true;
          }};
}

}  // namespace wfe::lint
