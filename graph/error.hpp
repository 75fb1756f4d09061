#pragma once

#include <stdexcept>

namespace duet {

/// What the user asked for or gave cannot be done: the message says what was wrong, where, what was expected
/// and what to do. Faults of Duet itself are assertions instead.
class Error : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

/// The shapes given to an op do not obey its rule.
class ShapeError : public Error {
 public:
    using Error::Error;
};

/// A gradient was asked for that does not exist or that the tape cannot see.
class GradientError : public Error {
 public:
    using Error::Error;
};

/// A feed of a run is missing, unknown, repeated, or of another shape; or holds values an op rejects.
class FeedError : public Error {
 public:
    using Error::Error;
};

/// A file or folder is missing, unreadable, unwritable or not what it claims to be.
class FileError : public Error {
 public:
    using Error::Error;
};

/// The machine failed to read or write, whatever was asked of it: no space left, a broken disk, a folder that
/// went away.
class StorageError : public FileError {
 public:
    using FileError::FileError;
};

/// There is not enough memory for what was asked; the message says for what and how many bytes.
class MemoryError : public Error {
 public:
    using Error::Error;
};

/// A value that must be finite is not. Nothing was written to any variable by the run that threw it.
class NonFiniteError : public Error {
 public:
    using Error::Error;
};

}  // namespace duet
