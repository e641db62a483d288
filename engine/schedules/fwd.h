// Forward declarations of wfe::schedules.
#pragma once

namespace wfe::schedules {

class Calendar;
class Spec;
struct ActionTime;
struct State;

}  // namespace wfe::schedules
