#include <re2/re2.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "activities/packaged/permits/calendar.h"
#include "activities/packaged/permits/extract_parts.h"

namespace wfe::packaged {
namespace {

/// Names under which a field holds a value, in lower case.
struct FieldName {
  std::string_view name;
  std::string_view key;
};
constexpr std::array kFieldNames = {
    FieldName{"applicant", "applicant"},
    FieldName{"permit holder", "applicant"},
    FieldName{"holder", "applicant"},
    FieldName{"operator", "applicant"},
    FieldName{"insured party", "applicant"},
    FieldName{"client", "applicant"},
    FieldName{"parcel", "parcel"},
    FieldName{"parcel number", "parcel"},
    FieldName{"parcel no.", "parcel"},
    FieldName{"cadastral parcel", "parcel"},
    FieldName{"plot", "parcel"},
    FieldName{"plot number", "parcel"},
    FieldName{"site address", "address"},
    FieldName{"address of the site", "address"},
    FieldName{"project address", "address"},
    FieldName{"address", "address"},
    FieldName{"power", "power_capacity"},
    FieldName{"energy", "energy_capacity"},
    FieldName{"throughput", "throughput"},
    FieldName{"annual throughput", "throughput"},
    FieldName{"project", "project"},
    FieldName{"permit number", "permit_number"},
    FieldName{"permit no.", "permit_number"},
    FieldName{"file number", "permit_number"},
    FieldName{"licence number", "permit_number"},
    FieldName{"date of issue", "issued"},
    FieldName{"issued", "issued"},
    FieldName{"issued on", "issued"},
    FieldName{"date of decision", "issued"},
    FieldName{"date", "issued"},
    FieldName{"date of notification", "notified"},
    FieldName{"notified on", "notified"},
    FieldName{"date of receipt", "received"},
    FieldName{"received on", "received"},
    FieldName{"start of construction", "construction_start"},
    FieldName{"start of works", "construction_start"},
    FieldName{"planned start of construction", "construction_start"},
    FieldName{"valid until", "valid_until"},
    FieldName{"expiry date", "valid_until"},
    FieldName{"expires", "valid_until"},
    FieldName{"site area", "site_area"},
    FieldName{"plot area", "site_area"},
    FieldName{"area of the site", "site_area"},
    FieldName{"working hours", "working_hours"},
    FieldName{"construction hours", "working_hours"},
};

constexpr bool IsDayKey(std::string_view key) {
  return key == "issued" || key == "notified" || key == "received" || key == "construction_start" ||
         key == "valid_until";
}

/// "10.000" where a full stop may be either: it is ten, or, as Germans write it, ten thousand.
bool IsAmbiguousNumber(const std::string& text) {
  static const RE2 kEither(R"([1-9]\d{0,2}\.\d{3})");
  return RE2::FullMatch(text, kEither);
}

/// "12,500.5" and "12.500,5"; nullopt: no number.  A comma in front of three digits groups thousands; so does a full stop
/// where `dots_group`, since nobody writes 12.500 m² for twelve and a half.
std::optional<double> NumberOf(const std::string& text, bool dots_group) {
  std::string digits;
  const size_t last = text.find_last_of(".,");
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= '0' && c <= '9') digits += c;
    if ((c != '.' && c != ',') || i != last) continue;
    const bool repeated = text.find(c) != i;
    const bool groups = text.size() - i - 1 == 3 && text[0] != '0' && (c == ',' || dots_group || repeated);
    if (!groups) digits += '.';
  }
  if (digits.empty()) return std::nullopt;
  return std::strtod(digits.c_str(), nullptr);
}

std::string PlainNumber(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", std::round(number * 1000) / 1000);
  return text;
}

struct Quantity {
  std::string_view unit;  ///< In lower case.
  std::string_view key;
  std::string_view base;
  double factor;
};
constexpr std::array kQuantities = {
    Quantity{"mwh", "energy_capacity", "kWh", 1000}, Quantity{"kwh", "energy_capacity", "kWh", 1},
    Quantity{"gwh", "energy_capacity", "kWh", 1e6},  Quantity{"mw", "power_capacity", "kW", 1000},
    Quantity{"mwp", "power_capacity", "kW", 1000},   Quantity{"kw", "power_capacity", "kW", 1},
    Quantity{"kwp", "power_capacity", "kW", 1},      Quantity{"gw", "power_capacity", "kW", 1e6},
    Quantity{"t/a", "throughput", "t/a", 1},         Quantity{"tonnes per year", "throughput", "t/a", 1},
    Quantity{"m²", "site_area", "m²", 1},            Quantity{"m2", "site_area", "m²", 1},
    Quantity{"sqm", "site_area", "m²", 1},           Quantity{"square metres", "site_area", "m²", 1},
    Quantity{"ha", "site_area", "m²", 10000},        Quantity{"hectares", "site_area", "m²", 10000},
};

bool IsHectares(const std::string& lower) { return lower == "ha" || lower == "hectares"; }

/// "12.5", "MW" as a value of a key; nullopt: not a unit of these.  Its `normalized` is empty where the number may be
/// read in two ways.
std::optional<PermitValue> QuantityOf(const std::string& number, const std::string& unit, std::string_view wanted) {
  const std::string lower = LowerAscii(unit);
  const std::optional<double> amount = NumberOf(number, !IsHectares(lower) && wanted == "site_area");
  if (!amount) return std::nullopt;
  for (const Quantity& quantity : kQuantities) {
    if (quantity.unit != lower) continue;
    if (wanted == "capacity" ? quantity.key == "site_area" : quantity.key != wanted) return std::nullopt;
    PermitValue value{.key = std::string(quantity.key), .value = number + " " + unit, .normalized = {}, .place = {}};
    if (quantity.key == "site_area" || !IsAmbiguousNumber(number)) {
      value.normalized = PlainNumber(*amount * quantity.factor) + " " + std::string(quantity.base);
    }
    return value;
  }
  return std::nullopt;
}

/// Names and addresses without what differs from letterhead to letterhead.
std::string NormalName(const std::string& text) {
  std::string normal;
  for (const char c : LowerAscii(text)) {
    if (c == '.' || c == ',' || c == '"') continue;
    normal += c;
  }
  return Squeezed(normal);
}

std::string NormalParcel(const std::string& text) {
  static const RE2 kNumber(R"((\d{1,6}(?:\s?/\s?\d{1,4})?[a-z]?))");
  std::string number;
  if (!RE2::PartialMatch(text, kNumber, &number)) return NormalName(text);
  std::erase(number, ' ');
  return number;
}

std::string NormalHours(const std::string& text) {
  static const RE2 kHours(R"((\d{1,2})[:.](\d{2})\s*(?:h|hrs|hours)?\s*(?:to|and|until|-|–)\s*(\d{1,2})[:.](\d{2}))");
  std::string from;
  std::string from_minutes;
  std::string to;
  std::string to_minutes;
  if (!RE2::PartialMatch(text, kHours, &from, &from_minutes, &to, &to_minutes)) return "";
  if (from.size() == 1) from.insert(0, "0");
  if (to.size() == 1) to.insert(0, "0");
  return from + ":" + from_minutes + "-" + to + ":" + to_minutes;
}

class ValueReader {
 public:
  explicit ValueReader(PermitFacts& facts) : facts_(facts) {}

  void Read(const Passage& passage) {
    if (passage.is_field) ReadField(passage);
    before_ = passage.is_field ? LowerAscii(passage.key) : "";
    ReadQuantities(passage);
    ReadProse(passage);
  }

 private:
  void Add(std::string key, const std::string& value, std::string normalized, const Passage& passage) {
    if (value.empty() || normalized.empty() || facts_.values.size() == kMaxFacts) return;
    for (const PermitValue& known : facts_.values) {
      if (known.key == key && known.normalized == normalized) return;
    }
    facts_.values.push_back(
        {.key = std::move(key), .value = value, .normalized = std::move(normalized), .place = PlaceOf(passage)});
  }

  void ReadField(const Passage& passage) {
    const std::string name = LowerAscii(passage.key);
    for (const FieldName& field : kFieldNames) {
      if (field.name != name) continue;
      const std::string key(field.key);
      if (IsDayKey(key)) {
        const std::vector<FoundDate> dates = FindDates(passage.value);
        // The first "Date:" of a document is its own; later ones stand at signatures.
        const bool taken = name == "date" && HasKey("issued");
        if (!dates.empty() && dates[0].day && !taken) Add(key, dates[0].text, IsoDay(*dates[0].day), passage);
      } else if (key == "parcel") {
        if (passage.value.find_first_of("0123456789") != std::string::npos) {
          Add(key, passage.value, NormalParcel(passage.value), passage);
        }
      } else if (key == "working_hours") {
        Add(key, passage.value, NormalHours(passage.value), passage);
      } else if (key == "site_area" || key == "throughput" || key == "power_capacity" || key == "energy_capacity") {
        ReadAmount(key, passage);
      } else if (name == "address") {
        ReadAddress(passage);
      } else if (passage.value.find_first_of("[_<") == std::string::npos) {
        Add(key, passage.value, NormalName(passage.value), passage);
      }
      return;
    }
  }

  /// The amount with which a field's value begins; what stands after it, "of which 2 MW …", is another matter.
  void ReadAmount(const std::string& key, const Passage& passage) {
    static const RE2 kAmount(
        R"((?i)^(?:about\s+)?([\d.,]*\d)\s*(MWh|kWh|GWh|MWp|MW|kWp|kW|GW|t/a|tonnes per year|)"
        R"(m²|m2|sqm|square metres|hectares|ha)(?:\W|$))");
    std::string number;
    std::string unit;
    if (!RE2::PartialMatch(passage.value, kAmount, &number, &unit)) return;
    AddQuantity(QuantityOf(number, unit, key), number, unit, passage);
  }

  /// The site's, unless the line before it names somebody: then it is theirs, and an authority's is nobody's matter.
  void ReadAddress(const Passage& passage) {
    static const RE2 kParty("applicant|permit holder|holder|operator|client|insured party");
    static const RE2 kOther(
        "(?:.*\\s)?(?:authority|office|insurer|insurance company|surveyor|author|sender|recipient|from|to|by|neighbour|"
        "neighbor|contractor|consultant|engineer|expert|name|contact|department)");
    if (passage.value.find_first_of("[_<") != std::string::npos || RE2::FullMatch(before_, kOther)) return;
    Add(RE2::FullMatch(before_, kParty) ? "applicant_address" : "address", passage.value, NormalName(passage.value),
        passage);
  }

  void AddQuantity(std::optional<PermitValue> value, const std::string& number, const std::string& unit,
                   const Passage& passage) {
    if (!value) return;
    if (!value->normalized.empty()) {
      Add(std::move(value->key), value->value, std::move(value->normalized), passage);
      return;
    }
    const Place place = PlaceOf(passage);
    for (const PermitGap& known : facts_.gaps) {
      if (known.kind == "ambiguous_number" && known.place == place) return;
    }
    if (facts_.gaps.size() == kMaxFacts) return;
    std::string thousands = number;
    std::erase(thousands, '.');
    const std::string either = PlainNumber(*NumberOf(number, false)) + " " + unit + " or " + thousands + " " + unit;
    facts_.gaps.push_back({.kind = "ambiguous_number",
                           .what = value->value + " may be " + either + ", and is not compared",
                           .place = place});
  }

  bool HasKey(std::string_view key) const {
    for (const PermitValue& known : facts_.values) {
      if (known.key == key) return true;
    }
    return false;
  }

  /// A capacity or an area that is said to be the project's own, not a limit or a part.
  void ReadQuantities(const Passage& passage) {
    static const RE2 kCapacity(
        R"((?i)\b(?:(?:rated|installed|thermal|storage|nominal|total|electrical|treatment|battery)\s+)*(?:capacity|power)\b(?:\s*\([^)]*\))?\s*(?::|of|is|to|has)?\s*(?:about\s+)?([\d.,]*\d)\s*(MWh|kWh|GWh|MWp|MW|kWp|kW|GW|t/a|tonnes per year))");
    static const RE2 kArea(
        R"((?i)\b(?:site|plot)\s+area\b\s*(?::|of|is|has)?\s*(?:about\s+)?([\d.,]*\d)\s*(m²|m2|sqm|square metres|ha|hectares))");
    for (const auto& [pattern, wanted] : {std::pair<const RE2*, const char*>{&kCapacity, "capacity"},
                                          std::pair<const RE2*, const char*>{&kArea, "site_area"}}) {
      // A table's cells and a field's key and value are one phrase.
      const std::string phrase = passage.is_field ? passage.key + ": " + passage.value : passage.text;
      re2::StringPiece rest(phrase);
      std::string number;
      std::string unit;
      while (RE2::FindAndConsume(&rest, *pattern, &number, &unit)) {
        AddQuantity(QuantityOf(number, unit, wanted), number, unit, passage);
      }
    }
  }

  void ReadProse(const Passage& passage) {
    static const RE2 kParcel(
        R"((?i)\b(?:parcel|plot)(?:\s+(?:no\.?|number))?\s+(\d{1,6}(?:\s?/\s?\d{1,4})?)\b)");
    static const RE2 kHours(R"((?i)\bworks?\b.*\b(?:between|from)\s+(\d{1,2}[:.]\d{2}\s*(?:h|hrs|hours)?\s*(?:and|to|until)\s*\d{1,2}[:.]\d{2}))");
    // A limit, and no level that somebody has calculated.
    static const RE2 kNight(
        R"((?i)(\d{2}(?:\.\d)?)\s*dB\s*\(A\)\s+(?:at|by|during the)\s+night|\bnight[^.;]*\blimit\b[^.;]*?\b(\d{2}(?:\.\d)?)\s*dB\s*\(A\)|)"
        R"(\blimit\s+(?:at|by|for the|during the)\s+night(?:-?time)?\s*(?::|=|of|is)?\s*(\d{2}(?:\.\d)?)\s*dB\s*\(A\))");
    static const RE2 kStart(
        R"((?i)\b(?:construction|works)\s+(?:will|is planned to|is scheduled to|is due to|is to)\s+(?:start|begin|commence)\s+on\s+(.*)$)");
    std::string found;
    std::string other;
    if (!passage.is_field && RE2::PartialMatch(passage.text, kParcel, &found)) {
      Add("parcel", found, NormalParcel(found), passage);
    }
    if (RE2::PartialMatch(passage.text, kHours, &found)) Add("working_hours", found, NormalHours(found), passage);
    found.clear();
    std::string third;
    // A table's cells are one phrase, as in ReadQuantities.
    const std::string phrase = passage.is_field ? passage.key + ": " + passage.value : passage.text;
    if (RE2::PartialMatch(phrase, kNight, &found, &other, &third)) {
      const std::string level = !found.empty() ? found : !other.empty() ? other : third;
      Add("noise_limit_night", level + " dB(A)", level + " dB(A)", passage);
    }
    if (RE2::PartialMatch(passage.text, kStart, &found)) {
      const std::vector<FoundDate> dates = FindDates(found);
      if (!dates.empty() && dates[0].offset == 0 && dates[0].day) {
        Add("construction_start", dates[0].text, IsoDay(*dates[0].day), passage);
      }
    }
  }

  PermitFacts& facts_;
  std::string before_;  ///< The field of the passage before, in lower case; empty: it was none.
};

}  // namespace

void ExtractValues(const std::vector<Passage>& passages, PermitFacts& facts) {
  ValueReader reader(facts);
  for (const Passage& passage : passages) reader.Read(passage);
}

}  // namespace wfe::packaged
