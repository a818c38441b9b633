internal import ContainerRuntime
internal import Layers
internal import LinuxSystem
internal import Report
internal import Sandbox
internal import SystemPackage

/// What differs from the files of the host.
extension KeptSandbox {
    /// This process may not be its own user any more afterwards.
    var changes: Report.Changes {
        get throws(Failure) {
            var found = Report.Changes(added: 0, modified: 0, deleted: 0)
            for tree in try ChangedTrees(of: self, locks: false).trees {
                var comparison = Comparison(tree.stack, uppers: tree.uppers)
                while let change = try comparison.next() {
                    switch change.kind {
                    case .added: found.added += 1
                    case .deleted: found.deleted += 1
                    case .modified, .replaced, .moved: found.modified += 1
                    case .unchanged: break
                    }
                }
            }
            return found
        }
    }

    /// The same, in a copy of this process.
    var changesInCopy: Report.Changes {
        get throws(Failure) {
            let outcome = try attempt("fork", "") { () throws(Errno) in
                try ForkedProcess.run(within: KeptSandbox.patience) {
                    do throws(Failure) {
                        let found = try changes
                        return Array("\(found.added) \(found.modified) \(found.deleted)".utf8)
                    } catch {
                        return Array(error.message.utf8)
                    }
                }
            }
            guard case .finished(let bytes) = outcome else {
                throw Failure("the process that counts them has ended, or takes too long")
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let numbers = text.split(separator: " ").map { UInt64($0) }
            guard numbers.count == 3, let added = numbers[0], let modified = numbers[1],
                let deleted = numbers[2]
            else { throw Failure(text) }
            return Report.Changes(added: added, modified: modified, deleted: deleted)
        }
    }

    /// Nanoseconds.
    private static let patience: UInt64 = 60_000_000_000
}
