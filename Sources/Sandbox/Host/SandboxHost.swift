public import ContainerRuntime
public import LinuxSystem
internal import SystemPackage

/// The facts of the host and of the caller that a sandbox depends on, read once.
public struct SandboxHost: Sendable {
    public var userID: UInt32
    public var groupID: UInt32
    /// The content of passwd(5).
    let passwd: [UInt8]
    /// By passwd(5); nil for a user that is not there.
    var entry: PasswordEntry?
    /// The caller's HOME.
    var home: String?
    /// Absolute, without links.
    public var workingDirectory: String
    public var privilege: Configuration.Privilege
    /// The ids of an ordinary caller, or of root of a user namespace.
    public var rootless: RootlessUser?
    public var mounts: MountTable
    /// The limit of open files of a program: 1024, or the caller's where that is lower.
    var openFiles: UInt64
    /// Whether the kernel knows rules that a sandbox can have: since Linux 5.19.
    var hasLandlock: Bool
    /// The caller's umask.
    var fileModeMask: UInt32
    /// Of the caller.
    var language: String?
    var terminal: String?

    /// - Parameter invocation: With the caller set.
    public init(_ invocation: Invocation) throws(Failure) {
        userID = Credentials.effectiveUser
        groupID = Credentials.effectiveGroup
        passwd = (try? HostPath.read("/etc/passwd")) ?? []
        entry = PasswordEntry.find(userID, in: passwd)
        home = CurrentProcess.environment("HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
        do throws(Errno) {
            workingDirectory = try HostPath.workingDirectory()
        } catch {
            throw Failure(
                "the working directory does not exist any more (\(error.words)); change to another"
                    + " directory")
        }
        privilege = invocation.privilege
        rootless = invocation.rootless
        mounts = try MountTable.read()
        hasLandlock = ((try? KernelProbe.landlockVersion()) ?? 0) >= 2
        fileModeMask = Credentials.setFileModeMask(0)
        Credentials.setFileModeMask(fileModeMask)
        openFiles = min(ResourceLimit.openFiles.now ?? 1024, 1024)
        language = CurrentProcess.environment("LANG")
        terminal = CurrentProcess.environment("TERM")
    }

    /// Whether the kernel keeps the caller from taking a directory from the mounts in it.
    var isRestricted: Bool { privilege != .full }

    /// The home directory inside.
    var homeInside: String {
        if let home = entry?.home, home.hasPrefix("/"), home != "/" {
            return HostPath.cleaned(home)
        }
        return userID == 0 ? "/root" : "/home/\(name)"
    }

    /// The name of the caller.
    var name: String { entry?.name ?? (userID == 0 ? "root" : "user") }
}

/// A line of passwd(5).
struct PasswordEntry: Sendable, Hashable {
    var name: String
    var userID: UInt32
    var groupID: UInt32
    var home: String

    /// Nil for a line that is none.
    init?(_ line: ArraySlice<UInt8>) {
        let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard fields.count == 7, let user = UInt32(fields[2]), let group = UInt32(fields[3]),
            !fields[0].isEmpty, fields[0].isPlainName
        else { return nil }
        (name, userID, groupID, home) = (fields[0], user, group, fields[5])
    }

    static func find(_ id: UInt32, in passwd: [UInt8]) -> PasswordEntry? {
        for line in passwd.split(separator: UInt8(ascii: "\n")) {
            if let entry = PasswordEntry(line), entry.userID == id { return entry }
        }
        return nil
    }

    static func find(_ name: String, in passwd: [UInt8]) -> PasswordEntry? {
        for line in passwd.split(separator: UInt8(ascii: "\n")) {
            if let entry = PasswordEntry(line), entry.name == name { return entry }
        }
        return nil
    }
}
