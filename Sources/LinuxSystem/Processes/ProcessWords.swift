internal import CLinux
internal import Glibc

/// The contents of `/proc/PID/cmdline` and `/proc/PID/environ`.
public enum ProcessWords {
    /// Overwrites them, for this process and its forks: a process that may read them before it
    /// has become a program finds neither the arguments nor the environment of the runtime's caller.
    public static func erase() {
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            unsafe memset(entry, 0, strlen(entry))
            unsafe next += 1
        }
        for index in 0..<clinux_argument_count() {
            let word = unsafe UnsafeMutablePointer(mutating: clinux_argument(index))
            unsafe memset(word, 0, strlen(word))
        }
    }
}
