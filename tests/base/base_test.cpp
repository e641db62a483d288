#include <gmock/gmock.h>

#include "engine/base/counted.h"
#include "engine/base/hash.h"
#include "engine/base/id_source.h"
#include "engine/base/read_time.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe {
namespace {

using namespace std::chrono_literals;

TEST(Sha256, MatchesTheStandardsExample) {
  EXPECT_EQ(ToHex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256({"a", "bc"}), Sha256("abc"));
  Sha256Stream stream;
  stream.Update("ab");
  stream.Update("c");
  EXPECT_EQ(stream.Finish(), Sha256("abc"));
}

TEST(HmacKey, SignsTheTestCasesOfRfc4231) {
  EXPECT_EQ(ToHex(HmacKey("Jefe").Sign("what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(ToHex(HmacKey(std::string(131, '\xaa')).Sign("Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Time, FormatsAndParsesIso8601WithMilliseconds) {  // LG-3
  const Instant instant = Instant(1763702102s) + 123ms;
  EXPECT_EQ(FormatIso8601Millis(instant), "2025-11-21T05:15:02.123Z");
  EXPECT_EQ(ParseIso8601("2025-11-21T05:15:02.123Z"), instant);
  EXPECT_EQ(ParseIso8601("2025-11-21T05:15:02Z"), Instant(1763702102s));
  EXPECT_EQ(ParseIso8601("2025-13-21T05:15:02Z"), std::nullopt);
  EXPECT_EQ(ParseIso8601("2025-11-21T05:15:02"), std::nullopt);
  EXPECT_EQ(ParseIso8601("3026-11-21T05:15:02Z"), std::nullopt);  // beyond what nanoseconds in 64 bits can count
}

TEST(Time, ThatIsNoneIsQuotedWithOneThatIs) {
  EXPECT_EQ(*ReadIso8601("2026-01-31T02:00:00Z"), *ParseIso8601("2026-01-31T02:00:00.000Z"));
  EXPECT_EQ(ReadIso8601("soon").error().message, "\"soon\" is not a time like 2026-01-31T02:00:00.000Z");
  EXPECT_EQ(ReadIso8601("soon").error().code, StatusCode::kInvalidArgument);
}

TEST(Counted, HasTheFormThatItsNumberAsksFor) {
  EXPECT_EQ(Counted(1, "document"), "1 document");
  EXPECT_EQ(Counted(0, "document"), "0 documents");
  EXPECT_EQ(Counted(2, "batch", "batches"), "2 batches");
  EXPECT_EQ(Counted(1, "batch", "batches"), "1 batch");
}

TEST(IdSource, MakesWellFormedUuidsAndTheSameOnesFromTheSameSeed) {
  SeededIdSource a(7), b(7);
  const std::string uuid = a.NewUuid();
  EXPECT_EQ(uuid, b.NewUuid());
  EXPECT_THAT(uuid, testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_NE(uuid, a.NewUuid());
}

Result<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("odd");
  return n / 2;
}
Result<int> Quarter(int n) {
  WFE_ASSIGN_OR_RETURN(const int half, Half(n));
  return Half(half);
}

TEST(Result, CarriesTheFirstErrorUpwards) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_EQ(Quarter(6).error().ToString(), "INVALID_ARGUMENT: odd");
}

}  // namespace
}  // namespace wfe
