// Budgets as messages and rows, and back.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/records/budget_book.h"
#include "wfe/records/v1/budgets.pb.h"

namespace wfe::records {

int64_t ToMillis(Instant instant);
Instant FromMillis(int64_t millis);

v1::BudgetRule ToRow(const BudgetRule& rule);
/// INVALID_ARGUMENT: no period, a negative limit, a percentage that is none.
Result<BudgetRule> FromRow(const v1::BudgetRule& row);
v1::BudgetCall ToRow(const BudgetCall& call);
BudgetCall FromRow(const v1::BudgetCall& row);
v1::BudgetHoldRow ToRow(const BudgetHold& hold);
BudgetHold FromRow(const v1::BudgetHoldRow& row);
v1::BudgetCallRow ToRow(const EndedCall& call);
EndedCall FromRow(const v1::BudgetCallRow& row);
v1::BudgetCounterRow ToRow(const BudgetCounter& counter);
BudgetCounter FromRow(const v1::BudgetCounterRow& row);
v1::BudgetStanding ToMessage(const BudgetStanding& standing);
/// The row of "budget_events".
std::string EventKey(const BudgetEvent& event);
std::string EventText(const BudgetEvent& event);

}  // namespace wfe::records
