// One declaration of a record gives its JSON both ways and its schema.
#include <gtest/gtest.h>

#include "engine/base/record_schema.h"

namespace wfe {
namespace {

using nlohmann::json;

struct Wheel {
  std::string name;
  int spokes = 32;
};
WFE_RECORD(Wheel, name, spokes);
constexpr RecordRules RulesOf(const Wheel*) { return {.whole = true, .may_lack = "spokes"}; }

struct Cart {
  std::string owner;
  std::vector<Wheel> wheels;
  std::optional<double> load;
  bool rusty = false;
  uint8_t seats = 1;
  std::map<int, int64_t> trips;
  json cargo;
  json extra = json::object();
};
WFE_RECORD(Cart, owner, wheels, load, rusty, seats, trips, cargo);
constexpr RecordRules RulesOf(const Cart*) { return {.required = "owner", .seldom = "rusty cargo"}; }

struct Depot {
  std::map<std::string, Wheel> by_name;
  std::optional<std::vector<int>> sizes;
  std::optional<json> note;
  std::vector<std::string> doors;
  std::vector<bool> open;
};
WFE_RECORD(Depot, by_name, sizes, note, doors, open);
constexpr RecordRules RulesOf(const Depot*) { return {.seldom = "doors open"}; }

struct Order {
  std::string what;
  std::optional<Wheel> spare;
};
WFE_RECORD(Order, what, spare);
constexpr RecordRules RulesOf(const Order*) { return {.refuses_unknown = true, .subject = "input"}; }
void CheckRecord(const Order& order) { RequireOfRecord(order.what != "nothing", "input.what must be something"); }

template <class T>
std::string WhyNot(const json& value) {
  try {
    (void)value.get<T>();
    return "it was read";
  } catch (const json::exception& e) {
    return JsonErrorText(e);
  }
}

TEST(Record, IsWrittenUnderTheNamesOfItsMembersWithoutWhatIsEmptyOrSeldom) {
  Cart cart;
  EXPECT_EQ(json(cart).dump(), R"({"owner":"","seats":1,"trips":{},"wheels":[]})");
  cart.load = 1.5;
  cart.rusty = true;
  cart.trips = {{7, 2}};
  cart.wheels = {{.name = "left"}};
  EXPECT_EQ(json(cart).dump(),
            R"({"load":1.5,"owner":"","rusty":true,"seats":1,"trips":{"7":2},"wheels":[{"name":"left","spokes":32}]})");
  const auto again = json(cart).get<Cart>();
  EXPECT_EQ(json(again), json(cart));
}

TEST(Record, KeepsTheKeysItDoesNotKnowAndLetsItsOwnWin) {
  auto cart = json({{"owner", "a"}, {"colour", "red"}}).get<Cart>();
  EXPECT_EQ(cart.extra, json({{"colour", "red"}}));
  cart.extra["owner"] = "b";
  EXPECT_EQ(json(cart).at("owner"), "a");
  EXPECT_EQ(json(cart).at("colour"), "red");
}

TEST(Record, KeepsItsDefaultsWhereNothingOrNullIsSaid) {
  EXPECT_EQ(json({{"owner", "a"}, {"seats", nullptr}, {"load", nullptr}}).get<Cart>().seats, 1);
  EXPECT_EQ(json({{"name", "a"}}).get<Wheel>().spokes, 32);
}

TEST(Record, NamesTheMemberThatIsWrong) {
  EXPECT_EQ(WhyNot<Cart>(json::array()), "must be a JSON object");
  EXPECT_EQ(WhyNot<Order>(json::array()), "the input must be a JSON object");
  EXPECT_EQ(WhyNot<Cart>(json::object()), "owner is missing");
  EXPECT_EQ(WhyNot<Cart>({{"owner", nullptr}}), "owner must not be null");
  EXPECT_EQ(WhyNot<Cart>({{"owner", 1}}), "owner: type must be string, but is number");
  EXPECT_EQ(WhyNot<Cart>({{"owner", "a"}, {"wheels", {{{"name", "left"}}, {{"name", 5}}}}}),
            "wheels[1].name: type must be string, but is number");
  EXPECT_EQ(WhyNot<Cart>({{"owner", "a"}, {"wheels", {json::object()}}}), "wheels[0].name is missing");
  EXPECT_EQ(WhyNot<Cart>({{"owner", "a"}, {"trips", {{"x", 1}}}}), "trips[x] must be a whole number");
  EXPECT_EQ(WhyNot<Order>({{"spare", {{"name", "a"}, {"spokes", "many"}}}}),
            "input.spare.spokes must be a whole number");
  EXPECT_EQ(WhyNot<Order>({{"waht", "a"}}), "input.waht is not known");
  EXPECT_EQ(WhyNot<Order>({{"what", "nothing"}}), "input.what must be something");
}

TEST(Record, TakesNoNumberThatDoesNotFit) {
  for (const json& wrong : {json(256), json(-1), json(1.5), json(true), json("1"), json(1e300)}) {
    EXPECT_EQ(WhyNot<Cart>({{"owner", "a"}, {"seats", wrong}}), "seats must be a whole number") << wrong;
  }
  EXPECT_EQ(json({{"owner", "a"}, {"seats", 255}}).get<Cart>().seats, 255);
  EXPECT_EQ(json({{"owner", "a"}, {"seats", 3.0}}).get<Cart>().seats, 3);
}

TEST(Record, HoldsMapsListsAndWhatMayBeMissingInsideEachOther) {
  EXPECT_EQ(json(Depot()).dump(), R"({"by_name":{}})");
  const Depot depot{.by_name = {{"a", {.name = "left", .spokes = 3}}},
                    .sizes = std::vector<int>{},
                    .note = json(nullptr),
                    .doors = {"north"},
                    .open = {true, false}};
  const std::string text =
      R"({"by_name":{"a":{"name":"left","spokes":3}},"doors":["north"],"note":null,"open":[true,false],"sizes":[]})";
  EXPECT_EQ(json(depot).dump(), text);
  EXPECT_EQ(ParseJson(text).get<Depot>().by_name.at("a").spokes, 3);
  EXPECT_FALSE(ParseJson(text).get<Depot>().note.has_value()) << "null is as good as nothing";
  EXPECT_EQ(WhyNot<Depot>({{"by_name", {{"a", {{"name", 1}}}}}}),
            "by_name[a].name: type must be string, but is number");
  EXPECT_EQ(WhyNot<Depot>({{"by_name", json::array()}}), "by_name must be an object");
  EXPECT_EQ(WhyNot<Depot>({{"sizes", {1, "two"}}}), "sizes[1] must be a whole number");
}

TEST(Record, IsLeftAsItWasByAListThatIsWrong) {
  Depot depot{.doors = {"north"}};
  EXPECT_THROW(json({{"doors", {"south", 2}}}).get_to(depot), json::exception);
  EXPECT_EQ(depot.doors, std::vector<std::string>{"north"});
}

TEST(Record, HasASchema) {
  EXPECT_EQ(RecordSchema<Order>().dump(),
            R"({"additionalProperties":false,"properties":{"spare":{"properties":{"name":{"type":"string"},)"
            R"("spokes":{"default":32,"type":"integer"}},"required":["name"],"type":"object"},)"
            R"("what":{"type":"string"}},"type":"object"})");
  EXPECT_EQ(RecordSchema<Cart>().at("properties").at("wheels").at("items").at("type"), "object");
}

}  // namespace
}  // namespace wfe
