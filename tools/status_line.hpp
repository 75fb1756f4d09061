#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace duet::tools {

/// A loss as a progress line shows it.
struct ShownLoss {
    std::string name;  ///< "discriminator_loss"
    double value;
};

/// How far a training is.
struct Status {
    std::uint64_t step;       ///< of these, done
    std::uint64_t steps;      ///< in all, at least one
    double steps_per_second;  ///< 0 if not known
    double images_per_second;
    std::span<const ShownLoss> losses;
};

/// The status in words, however long: "step 120/2000  generator_loss 0.6931  1234 images/s  0:31 left". The
/// losses have four digits.
std::string status_text(const Status& status);

/// The same in one line of at most `width` columns, behind a bar of 6 to 30. Where there is not room for all
/// of it, images/s go first, then the names of the losses become letters, then the losses go; step, time left
/// and the bar are there down to 30 columns or so. Below those the bar goes, then the steps become a
/// percentage, then the time left goes.
std::string status_line(const Status& status, std::size_t width);

/// "[####....]": `width` signs between brackets, of which a share is full.
std::string bar(double share, std::size_t width);

/// "2:31", "1:02:31"; "-:--" for what is negative or no number.
std::string clock_text(double seconds);

}  // namespace duet::tools
