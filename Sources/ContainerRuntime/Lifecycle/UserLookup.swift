public import LinuxSystem
internal import SystemPackage

/// Who is meant by `--user UID[:GID]`. Numbers only: a name would be looked up in a file of the
/// image's (CVE-2016-3697, CVE-2024-40635, CVE-2026-30892).
public struct UserArgument: Sendable, Hashable {
    public var userID: UInt32
    /// Nil: the one of config.json stays.
    public var groupID: UInt32?

    /// - Throws: The sentence for anything else than decimal digits in range.
    public init(_ text: String) throws(Failure) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let ids = parts.map { UserLookup.id($0.utf8) }
        guard let first = ids.first, let userID = first, !ids.contains(nil) else {
            throw Failure(
                "--user: \"\(text)\" is not UID or UID:GID, whole numbers from 0 to"
                    + " \(UInt32.max - 1)")
        }
        self.userID = userID
        groupID = ids.count > 1 ? ids[1] : nil
    }
}

/// The container's passwd(5), which its image wrote.
enum UserLookup {
    /// Larger files are not read.
    private static let limit = 1 << 20

    /// What a user has that passwd does not know, as in other runtimes.
    static let defaultHome = "/"

    /// The errors that what an image has there gives. Every other one is the system's, and the
    /// same file would be read the next time.
    private static let ofTheFile: Set<CInt> = [
        Errno.noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels, .fileNameTooLong,
        .permissionDenied, .improperLink, .fileTooLarge,
    ].reduce(into: []) { $0.insert($1.rawValue) }

    /// The home directory of `userID` by `/etc/passwd` in `root`. Whatever is wrong with the file
    /// counts as a user it does not know.
    ///
    /// - Throws: What kept a file from being read.
    static func home(
        of userID: UInt32, in root: borrowing RootDirectory
    ) throws(Errno) -> String {
        do throws(Errno) {
            guard let passwd = try read("etc/passwd", in: root) else { return defaultHome }
            return home(of: userID, passwd: passwd) ?? defaultHome
        } catch  where ofTheFile.contains(error.rawValue) {
            return defaultHome
        }
    }

    /// A file of the image: a regular one, that ends (CVE-2024-9676). Looked at before it is
    /// opened, since opening a device may do something.
    private static func read(
        _ path: String, in root: borrowing RootDirectory
    ) throws(Errno) -> [UInt8]? {
        let handle = try root.open(path, .path)
        let seen = try FileStatus.of(handle.borrowed)
        if seen.kind != .regular { return nil }
        let file = try root.open(path, [.readOnly, .nonBlocking, .noControllingTerminal])
        let opened = try FileStatus.of(file.borrowed)
        if opened.kind != .regular { return nil }
        if opened.size > Int64(limit) { throw .fileTooLarge }
        return try file.borrowed.readAll(limit: limit)
    }

    /// The first whole line that has `userID`; nil where there is none. What is no absolute path
    /// of valid text is no home.
    static func home(of userID: UInt32, passwd: [UInt8]) -> String? {
        for line in passwd.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }) {
            // name:password:UID:GID:GECOS:directory:shell
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count == 7, id(fields[2]) == userID else { continue }
            let home = fields[5]
            guard home.first == UInt8(ascii: "/"), !home.contains(0) else { return nil }
            return String(validating: home, as: UTF8.self)
        }
        return nil
    }

    /// Decimal digits and nothing else, in the range of an id: −1 is none.
    static func id(_ digits: some Collection<UInt8>) -> UInt32? {
        guard let value = UInt32(digits: digits) else { return nil }
        return value == .max ? nil : value
    }
}
