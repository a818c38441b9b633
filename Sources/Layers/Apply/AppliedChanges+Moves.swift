internal import LinuxSystem
internal import SystemPackage

// Uppers that name files by the paths they had in the tree (redirect_dir, metacopy).
extension AppliedChanges {
    /// Whether an apply has changed the tree in such a place.
    func hasMoves() throws(Failure) -> Bool {
        for number in try numbers() {
            guard let found = try open(number) else { continue }
            if found.hasMoves && found.mark != nil { return true }
        }
        return false
    }

    var moved: Failure {
        Failure(
            "the changes in \(kept.path.inQuotes) were applied and contain moved files (redirect_dir,"
                + " metacopy), so that the upper shows other files over the changed tree; take the"
                + " apply back with --undo, or discard the changes")
    }

    /// Makes sure that a run over the upper sees the files that the runs before it have left.
    static func requireUnmoved(_ kept: KeptUpper) throws(Failure) {
        let found = try attempt(
            "open", on: kept.path,
            try unlessMissing(
                try kept.directory.borrowed.open(folderName, [.readOnly, .directory])))
        guard let found else { return }
        let folder = LayerDirectory(found, layer: 0)
        for number in try numbers(in: folder, kept) {
            guard let (_, content, _) = try openJournal(number, in: folder, kept) else { continue }
            if !content.hasMoves || content.mark == nil || content.mark == .undone { continue }
            throw Failure(
                "the changes in \(kept.path.inQuotes) were applied and contain moved files"
                    + " (redirect_dir, metacopy), so that a run would see other files than the run"
                    + " before; take the apply back with \"vfs-run apply --undo\", or discard the"
                    + " changes")
        }
    }
}
