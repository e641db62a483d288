// The bill of materials of a design, with exact totals.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/battery/design.h"
#include "engine/base/money.h"
#include "engine/base/record_json.h"

namespace wfe::battery {

struct PartLine {
  std::string part;         ///< Stable, for price lists: "cell", "fuse".
  std::string description;  ///< With its ratings.
  int64_t quantity = 0;
  Money unit_price;
  Money total;
  std::string price_from;  ///< "reference", or the file that says it.

  friend bool operator==(const PartLine&, const PartLine&) = default;
};
WFE_RECORD(PartLine, part, description, quantity, unit_price, total, price_from);

struct BillOfMaterials {
  std::vector<PartLine> lines;
  Money total;
};
WFE_RECORD(BillOfMaterials, lines, total);

/// One price of a user's own.
struct PartPrice {
  std::string part;
  Money price;
  std::string file;

  friend bool operator==(const PartPrice&, const PartPrice&) = default;
};
WFE_RECORD(PartPrice, part, price, file);

struct PriceList {
  std::vector<PartPrice> prices;
  std::vector<FileProblem> problems;
};
WFE_RECORD(PriceList, prices, problems);

/// `part,price` lines in US dollars.
PriceList ReadPriceList(const std::string& file, std::string_view text);

/// Names that a price list may have.
std::vector<std::string> PartNames();

/// A part without a price of the user's has a reference price: an order of magnitude, of nobody's catalogue.
/// OUT_OF_RANGE: an amount that does not fit.
Result<BillOfMaterials> MakeBill(const CellSpec& cell, const PackSpec& pack, const PackDesign& design,
                                 const std::vector<PartPrice>& prices);

/// As a spreadsheet takes it.
std::string BillCsv(const BillOfMaterials& bill);

}  // namespace wfe::battery
