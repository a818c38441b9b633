internal import Layers
internal import LinuxSystem

/// The maximum time of files in an archive, so that the same files give the same bytes
/// (reproducible-builds.org, SOURCE_DATE_EPOCH).
enum SourceDate {
    private static let variable = "SOURCE_DATE_EPOCH"
    /// The end of the year 9999, the last that RFC 3339 can express.
    private static let last: Int64 = 253_402_300_799

    /// - Parameter option: The value of `--mtime`, which overrides the environment.
    static func latest(_ option: String? = nil) throws(Failure) -> FileTime? {
        guard let word = option ?? CurrentProcess.environment(variable) else { return nil }
        guard let seconds = Int64(word), seconds <= last else {
            throw Failure(
                "\(option == nil ? variable : "--mtime"): \"\(word)\" is not a number of seconds"
                    + " since 1970")
        }
        return FileTime(seconds: seconds, nanoseconds: 0)
    }

    /// The creation time of a new image, in RFC 3339.
    static func created() throws(Failure) -> String {
        guard let latest = try latest() else { return Clock.timestamp }
        return Clock.timestamp(seconds: Int(max(0, latest.seconds)), nanoseconds: 0)
    }
}
