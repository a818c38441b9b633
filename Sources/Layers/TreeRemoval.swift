internal import LinuxSystem
internal import SystemPackage

/// Removes a tree that anybody may have made: by descriptors, no link followed, and however deep it
/// is with three of them open.
enum TreeRemoval {
    /// Removes `name` in an open directory with all that is in it; nothing when it is not there.
    static func remove(_ name: FileName, in parent: FileDescriptor) throws(Errno) {
        do throws(Errno) {
            try parent.remove(name)
            return
        } catch .noSuchFileOrDirectory {
            return
        } catch .isDirectory {
        }
        let top = try parent.open(name, [.readOnly, .directory])
        try empty(top.borrowed)
        try parent.removeDirectory(name)
    }

    /// What is deeper down is moved to the top before it is emptied.
    private static func empty(_ top: FileDescriptor) throws(Errno) {
        var moved = 0
        while true {
            let names = try FileNameList(of: top)
            if names.count == 0 { return }
            for index in 0..<names.count {
                let name = names[index]
                do throws(Errno) {
                    try top.remove(name)
                    continue
                } catch .isDirectory {
                }
                let directory = try top.open(name, [.readOnly, .directory])
                let inner = try FileNameList(of: directory.borrowed)
                for position in 0..<inner.count {
                    try take(inner[position], of: directory.borrowed, to: top, &moved)
                }
                try top.removeDirectory(name)
            }
        }
    }

    private static func take(
        _ name: FileName, of directory: FileDescriptor, to top: FileDescriptor,
        _ moved: inout Int
    ) throws(Errno) {
        do throws(Errno) {
            return try directory.remove(name)
        } catch .isDirectory {
        }
        while true {
            moved += 1
            guard let free = FileName(".removed-\(moved)") else { throw .invalidArgument }
            // Somebody may have a file of that name.
            if (try? FileStatus.of(free, in: top)) != nil { continue }
            return try directory.rename(name, to: free, in: top)
        }
    }
}
