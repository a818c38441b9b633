internal import Layers
internal import LinuxSystem

/// The time that nothing in an archive is later than, so that the same files give the same bytes
/// (reproducible-builds.org, SOURCE_DATE_EPOCH).
enum SourceDate {
    private static let variable = "SOURCE_DATE_EPOCH"
    /// The end of the year 9999, the last one that documents of images can write.
    private static let last: Int64 = 253_402_300_799

    /// - Parameter option: What `--mtime` says; it wins over the environment.
    static func latest(_ option: String? = nil) throws(LayerError) -> FileTime? {
        guard let word = option ?? CurrentProcess.environment(variable) else { return nil }
        guard let seconds = Int64(word), seconds <= last else {
            throw LayerError(
                "\(option == nil ? variable : "--mtime"): \"\(word)\" is not a number of seconds"
                    + " since 1970")
        }
        return FileTime(seconds: seconds, nanoseconds: 0)
    }

    /// When something is made now, in RFC 3339.
    static func created() throws(LayerError) -> String {
        guard let latest = try latest() else { return Clock.timestamp }
        return Clock.timestamp(seconds: Int(max(0, latest.seconds)), nanoseconds: 0)
    }
}
