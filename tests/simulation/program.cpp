#include "tests/simulation/program.h"

namespace wfe::simulation {

using nlohmann::json;

namespace {

json RandomOps(Random& random, int count, int depth, int64_t& sum);

json RandomOp(Random& random, int depth, int64_t& sum) {
  const int64_t value = random.Between(1, 99);
  const auto echo = [&](const char* op) {
    sum += value;
    return json::object({{"op", op}, {"value", value}});
  };
  const auto expected = [&](const char* op) {
    sum += 1;
    return json::object({{"op", op}});
  };
  switch (random.Below(depth < 2 ? 20 : 17)) {
    case 0:
    case 1:
      return {{"op", "sleep"}, {"ms", random.Chance(0.5) ? random.Between(1, 200) : random.Between(1000, 20'000)}};
    case 2:
      return echo("flaky");
    case 3:
      return echo("beating");
    case 4:
      return expected("refused");
    case 5:
      return expected("broken");
    case 6: {
      json op = expected("stuck");
      op["to_close"] = random.Chance(0.5);
      return op;
    }
    case 7:
      return expected("silent");
    case 8: {
      json op = echo("race");
      op["ms"] = random.Between(1, 2000);
      return op;
    }
    case 9:
      // Often both at the same instant.
      return {{"op", "cancel_timer"}, {"ms", random.Between(100, 3000)}, {"early", random.Between(-50, 100)}};
    case 10: {
      json op = expected("scope");
      op["ms"] = random.Between(0, 8000);
      op["type"] = random.Below(3);
      return op;
    }
    case 11:
      return expected("effect");
    case 12:
      return expected("random");
    case 13: {
      json op = echo("patched");
      op["id"] = "patch-" + std::to_string(random.Below(3));
      return op;
    }
    case 14:
      return {{"op", "memo"}, {"value", value}};
    case 15:
      return {{"op", "wait"}, {"ms", random.Between(10, 3000)}};
    case 17:
    case 18: {
      json branches = json::array();
      const int64_t count = random.Between(2, 4);
      for (int64_t i = 0; i < count; ++i) {
        branches.push_back(RandomOps(random, static_cast<int>(random.Between(1, 3)), depth + 1, sum));
      }
      return {{"op", "all"}, {"branches", std::move(branches)}};
    }
    case 19: {
      const int64_t count = random.Between(2, 8);
      sum += value * count;
      return {{"op", "fan"}, {"value", value}, {"count", count}};
    }
    default:
      return echo("work");
  }
}

json RandomOps(Random& random, int count, int depth, int64_t& sum) {
  json ops = json::array();
  for (int i = 0; i < count; ++i) ops.push_back(RandomOp(random, depth, sum));
  return ops;
}

}  // namespace

Program RandomProgram(Random& random, const ProgramShape& shape) {
  Program program;
  json ops = json::array();
  const auto anywhere = [&] { return ops.begin() + static_cast<int64_t>(random.Below(ops.size() + 1)); };
  ops = RandomOps(random, shape.operations, 0, program.value);
  if (shape.poison) ops.insert(anywhere(), json::object({{"op", "poison"}}));
  if (shape.continues && random.Chance(0.3)) {
    program.continues = true;
    const int64_t times = random.Between(1, 4);
    for (int64_t i = 0; i < times; ++i) ops.insert(anywhere(), json::object({{"op", "continue"}}));
  }
  if (shape.signals > 0 && random.Chance(0.5)) {
    ops.insert(anywhere(), json::object({{"op", "signals"}, {"count", random.Between(1, shape.signals)}}));
  }
  program.input = {
      {"ops", std::move(ops)}, {"end", "complete"}, {"sum", 0}, {"expect", shape.signals}, {"signals", json::object()}};
  return program;
}

}  // namespace wfe::simulation
