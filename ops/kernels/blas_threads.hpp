#pragma once

namespace duet {

/// While any of these lives, OpenBLAS runs each call on the calling thread alone: its own threading changes
/// bits and slows small calls. The first one notes OpenBLAS's thread count and the last one restores it,
/// unless the program has set another one meanwhile. Safe to make and destroy on any thread.
class SingleThreadedBlas {
 public:
    SingleThreadedBlas();
    ~SingleThreadedBlas();
    SingleThreadedBlas(const SingleThreadedBlas&) = delete;
    SingleThreadedBlas& operator=(const SingleThreadedBlas&) = delete;
};

}  // namespace duet
