import Glibc
import LinuxSystem
import SystemPackage

/// A directory that goes, with all in it, when nobody holds it any more.
public final class TemporaryDirectory: Sendable {
    /// Absolute, without links.
    public let path: String

    /// - Parameter parent: On a file system that overlayfs takes as an upper: no overlay.
    public init(in parent: String = "/tmp") throws {
        var template = Array("\(parent)/vfs-run-test.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        TemporaryDirectory.remove(path)
    }

    /// Removes a tree, links as links; what cannot be removed stays.
    private static func remove(_ path: String) {
        if unlink(path) == 0 || errno != EISDIR { return }
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
                }
                if name != "." && name != ".." { remove("\(path)/\(name)") }
            }
            closedir(directory)
        }
        rmdir(path)
    }

    /// The path of something in it.
    public subscript(name: String) -> String { "\(path)/\(name)" }

    /// Makes a directory with its parents and answers its path.
    @discardableResult
    public func directory(_ name: String) throws -> String {
        try HostPath.makeDirectories(self[name], mode: 0o755)
        return self[name]
    }

    /// Makes a file with its parents and answers its path.
    @discardableResult
    public func file(_ name: String, _ text: String = "", mode: UInt32 = 0o644) throws -> String {
        if let slash = name.lastIndex(of: "/") { try directory(String(name[..<slash])) }
        let file = try HostPath.open(self[name], [.writeOnly, .create, .truncate], mode: mode)
        try file.borrowed.write(all: Array(text.utf8))
        return self[name]
    }

    /// Makes a symbolic link.
    public func link(_ name: String, to target: String) throws {
        if symlink(target, self[name]) != 0 { throw Errno(rawValue: errno) }
    }

    public func exists(_ name: String) -> Bool { access(self[name], F_OK) == 0 }

    /// What a file says.
    public func text(_ name: String) throws -> String {
        String(decoding: try HostPath.read(self[name]), as: UTF8.self)
    }
}
