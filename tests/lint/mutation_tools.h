// What the mutations are made of.
#pragma once

#include <optional>

#include "tests/lint/mutations.h"

namespace wfe::lint {

using Events = std::vector<HistoryEvent>;
using Random = std::mt19937_64;

size_t Below(Random& random, size_t bound);
/// Index of a random event that satisfies `wanted`.
std::optional<size_t> Pick(const Events& events, Random& random, const std::function<bool(size_t)>& wanted);
std::optional<size_t> PickType(const Events& events, Random& random, enums::EventType type);

/// Inserts or erases without leaving a trace in the ids: later events and their references move along.
void Renumber(Events& events, EventId from, int64_t by);
void Erase(Events& events, size_t at);
/// Puts a copy of event `at` right behind position `behind`, with ids as if it belonged there.
void Repeat(Events& events, size_t at, size_t behind);

/// The attributes of the event, to reach a field by name.
google::protobuf::Message* Attributes(HistoryEvent& event);

/// The event names another event than it did.
Mutation Retarget(enums::EventType type, const std::string& field, int64_t shift);
/// A second, well-numbered copy at the end of the batch of commands or right behind.
Mutation Duplicate(enums::EventType type);

/// Damage to children, parents and requests between workflows.
void AddFamilyMutations(std::vector<Mutation>& mutations);

}  // namespace wfe::lint
