#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "tests/redshift/load_values.hpp"

/// DATEFORMAT and TIMEFORMAT strings (Developer Guide, "DATEFORMAT and TIMEFORMAT strings").
namespace pgswitch::stand_in {
namespace {

constexpr std::string_view months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};

class TimeReader {
 public:
  TimeReader(std::string_view text, std::string_view format) : text_(text), format_(format) {}

  std::optional<std::string> read(bool with_time) {
    while (!format_.empty())
      if (!element()) return std::nullopt;
    if (with_time) fraction_and_zone();
    // A date may be followed by a time, which is ignored.
    if (!text_.empty() && (with_time || (text_[0] != ' ' && text_[0] != 'T'))) return std::nullopt;
    if (!is_valid()) return std::nullopt;
    char result[64];
    std::snprintf(result, sizeof result, "%04d-%02d-%02d", year_, month_, day_);
    if (!with_time) return result;
    std::string time(64, '\0');
    time.resize(static_cast<std::size_t>(
        std::snprintf(time.data(), time.size(), " %02d:%02d:%02d", hour_ + (afternoon_ && hour_ < 12 ? 12 : 0), minute_, second_)));
    return result + time + (fraction_.empty() ? "" : "." + fraction_) + zone_;
  }

 private:
  bool take(std::string_view word) {
    if (!format_.starts_with(word)) return false;
    format_.remove_prefix(word.size());
    return true;
  }
  bool number(int& value, std::size_t most) {
    std::size_t digits = 0;
    value = 0;
    while (digits < most && digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9')
      value = value * 10 + (text_[digits++] - '0');
    text_.remove_prefix(digits);
    return digits > 0;
  }
  bool four_digits(int& value) {
    const std::size_t before = text_.size();
    return number(value, 4) && before - text_.size() == 4;
  }

  bool element() {
    if (take("YYYY")) return four_digits(year_);
    if (take("YY")) {
      const bool good = number(year_, 2);
      year_ += year_ < 70 ? 2000 : 1900;
      return good;
    }
    if (take("MONTH") || take("MON")) return month_name();
    if (take("MM")) return number(month_, 2);
    if (take("DD")) return number(day_, 2);
    if (take("HH24") || take("HH12") || take("HH")) return number(hour_, 2);
    if (take("MI")) return number(minute_, 2);
    if (take("SS")) return number(second_, 2);
    if (take("US") || take("MS")) return digits();
    if (take("AM") || take("PM")) return half();
    if (take("TZ") || take("OF")) return fraction_and_zone(), true;
    if (text_.empty() || (text_[0] != format_[0] && !(format_[0] == ' ' && text_[0] == 'T'))) return false;
    text_.remove_prefix(1);
    format_.remove_prefix(1);
    return true;
  }

  bool month_name() {
    const std::string start = lower(text_.substr(0, 3));
    for (int i = 0; i < 12; ++i) {
      if (start != months[i]) continue;
      month_ = i + 1;
      text_.remove_prefix(3);
      while (!text_.empty() && ((text_[0] | 32) >= 'a' && (text_[0] | 32) <= 'z')) text_.remove_prefix(1);
      return true;
    }
    return false;
  }
  bool digits() {
    while (!text_.empty() && text_[0] >= '0' && text_[0] <= '9') {
      if (fraction_.size() < 6) fraction_ += text_[0];
      text_.remove_prefix(1);
    }
    return !fraction_.empty();
  }
  bool half() {
    const std::string mark = lower(text_.substr(0, 2));
    if (mark != "am" && mark != "pm") return false;
    if (mark == "am" && hour_ == 12) hour_ = 0;
    afternoon_ = mark == "pm";
    text_.remove_prefix(2);
    return true;
  }
  void fraction_and_zone() {
    if (text_.size() > 1 && text_[0] == '.' && fraction_.empty()) {
      text_.remove_prefix(1);
      digits();
    }
    std::string_view rest = text_;
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    const std::string zone = lower(rest);
    const bool offset =
        rest.size() >= 3 && (rest[0] == '+' || rest[0] == '-') && rest.find_first_not_of("0123456789:", 1) == std::string_view::npos;
    if (!offset && zone != "z" && zone != "utc" && zone != "gmt") return;
    zone_ = offset ? std::string(rest) : "+00";
    text_ = {};
  }
  bool is_valid() const {
    static constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month_ < 1 || month_ > 12 || day_ < 1 || year_ < 1) return false;
    const bool leap = (year_ % 4 == 0 && year_ % 100 != 0) || year_ % 400 == 0;
    return day_ <= days[static_cast<std::size_t>(month_ - 1)] + (month_ == 2 && leap) && hour_ < 24 && minute_ < 60 && second_ < 60;
  }

  std::string_view text_, format_;
  int year_ = 0, month_ = 1, day_ = 1, hour_ = 0, minute_ = 0, second_ = 0;
  bool afternoon_ = false;
  std::string fraction_, zone_;
};

std::optional<std::string> read_epoch(std::string_view text, double per_second) {
  char* end = nullptr;
  const std::string number(text);
  const double value = std::strtod(number.c_str(), &end) / per_second;
  if (number.empty() || *end != '\0') return std::nullopt;
  const auto seconds = static_cast<std::time_t>(value);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char result[64];
  std::strftime(result, sizeof result, "%Y-%m-%d %H:%M:%S", &parts);
  std::snprintf(result + std::char_traits<char>::length(result), 16, ".%06d",
                static_cast<int>((value - static_cast<double>(seconds)) * 1e6 + 0.5));
  return std::string(result) + "+00";
}

/// What 'auto' recognises (Developer Guide, "Using automatic recognition with DATEFORMAT and TIMEFORMAT"), in part.
constexpr std::string_view automatic[] = {"YYYY-MM-DD HH:MI:SS",
                                          "YYYY-MM-DD HH:MI",
                                          "YYYY-MM-DD",
                                          "YYYY/MM/DD HH:MI:SS",
                                          "YYYY/MM/DD",
                                          "MM/DD/YYYY HH:MI:SS",
                                          "MM/DD/YYYY HH:MI:SS AM",
                                          "MM/DD/YYYY",
                                          "YYYY-MM-DD HH:MI:SS AM",
                                          "YYYYMMDD HHMISS",
                                          "YYYYMMDD",
                                          "DD MON YYYY",
                                          "MON DD, YYYY",
                                          "MON DD YYYY",
                                          "MM/DD/YY",
                                          "YYYY.MM.DD"};

}  // namespace

std::optional<std::string> read_time(std::string_view text, std::string_view format, bool with_time) {
  if (format == "epochsecs") return read_epoch(text, 1);
  if (format == "epochmillisecs") return read_epoch(text, 1000);
  if (format != "auto") return TimeReader(text, format).read(with_time);
  for (const std::string_view one : automatic)
    if (auto found = TimeReader(text, one).read(with_time)) return found;
  return std::nullopt;
}

}  // namespace pgswitch::stand_in
