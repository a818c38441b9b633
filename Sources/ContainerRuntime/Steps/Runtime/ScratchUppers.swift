internal import Layers
public import LinuxSystem
internal import SystemPackage

/// Uppers that are thrown away and yet lie on a disk: each in a directory with the number of the
/// runtime process that removes it.
public enum ScratchUppers {
    /// Whether overlayfs can keep its notes in what is made there, and the caller may make it.
    static func canLie(in path: String) -> Bool {
        var path = path[...]
        while !path.isEmpty {
            do throws(Errno) {
                let directory = try HostPath.open(String(path), [.readOnly, .directory])
                let file = try directory.borrowed.makeNamelessFile(mode: 0o600)
                try file.borrowed.setAttribute("user.overlay.probe", "y")
                return true
            } catch .noSuchFileOrDirectory {
                // What is not there yet is made like what it is made in.
                path = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
            } catch {
                return false
            }
        }
        return false
    }

    /// Removes those of runs that were killed: no process holds them any more.
    static func sweep(_ path: String) {
        for name in (try? HostPath.directories(in: path)) ?? [] {
            guard let pid = Int32(name), pid == CurrentProcess.pid || !isAlive(pid) else {
                continue
            }
            try? remove("\(path)/\(name)")
        }
    }

    private static func isAlive(_ pid: Int32) -> Bool {
        (try? FileStatus.of(path: "/proc/\(pid)")) != nil
    }

    /// Removes a directory of an upper with all that containers have made in it, whatever ids own it.
    ///
    /// - Parameter name: What it is, for messages.
    public static func remove(
        _ path: String, named name: String = "the throw-away upper"
    ) throws(Failure) {
        do throws(Failure) {
            try MappedOwners.inCopy { () throws(Failure) in
                try KeptUpper.owned(in: path).removeAll()
            }
        } catch {
            throw Failure(
                "\(name) \(path.inQuotes) cannot be removed: \(error.message)")
        }
    }
}
