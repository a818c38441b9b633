internal import CLinux
internal import Glibc

/// What `/proc/PID/cmdline` and `/proc/PID/environ` show of this process and of its copies.
public enum ProcessWords {
    /// Runs `body` while there are none: a copy that it makes has none for ever. The arguments are
    /// back afterwards, the environment is not.
    public static func hiding<Value: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            unsafe memset(entry, 0, strlen(entry))
            unsafe next += 1
        }
        let count = clinux_argument_count()
        var saved: [[CChar]] = []
        for index in 0..<count {
            let word = unsafe UnsafeMutablePointer(mutating: clinux_argument(index))
            let length = unsafe strlen(word)
            let bytes = unsafe Array(UnsafeBufferPointer(start: word, count: length))
            unsafe memset(word, 0, length)
            saved.append(bytes)
        }
        defer {
            for index in 0..<count {
                let word = unsafe UnsafeMutablePointer(mutating: clinux_argument(index))
                for (offset, byte) in saved[Int(index)].enumerated() {
                    unsafe word[offset] = byte
                }
            }
        }
        return try body()
    }
}
