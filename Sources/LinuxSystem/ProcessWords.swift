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
        var saved: [(UnsafeMutablePointer<CChar>, [CChar])] = []
        for index in 0..<Int(CommandLine.argc) {
            guard let word = unsafe CommandLine.unsafeArgv[index] else { continue }
            let length = unsafe strlen(word)
            unsafe saved.append((word, Array(UnsafeBufferPointer(start: word, count: length))))
            unsafe memset(word, 0, length)
        }
        defer {
            for unsafe(word, bytes) in unsafe saved {
                for (index, byte) in bytes.enumerated() { unsafe word[index] = byte }
            }
        }
        return try body()
    }
}
