internal import JSON
internal import LinuxSystem
internal import OCISpec

/// Requirements of the root file system.
extension Checks {
    func overlay() {
        guard case .object(let overlay) = spec.vfs?.overlay else { return }
        if overlay.layers?.isEmpty == true, request.keptUpper != nil {
            diagnostics.error(
                "is empty, and an upper that is kept needs a layer; name a directory, or remove it to"
                    + " use root.path", at: overlay.offset, member: "layers")
        }
        for layer in overlay.layers ?? [] where layer.value.isEmpty {
            diagnostics.error("is empty; name a directory", at: layer.offset)
        }
        if let upper = overlay.upper, upper.value.isEmpty {
            diagnostics.error(
                "is empty; name a directory, or remove it for an upper that is discarded",
                at: upper.offset)
        }
        if let size = overlay.size {
            if overlay.upper != nil {
                diagnostics.error(
                    "limits an upper that is discarded, but this one is kept; remove \"size\" or"
                        + " \"upper\"", at: size.offset)
            }
            if TmpfsSize(size.value) == nil {
                diagnostics.error(
                    "\"\(size.value)\" is not a size; write \"256M\", \"2G\" or \"10%\"",
                    at: size.offset)
            }
        }
        if let inodes = overlay.inodes {
            if overlay.upper != nil {
                diagnostics.error(
                    "limits an upper that is discarded, but this one is kept; remove \"inodes\" or"
                        + " \"upper\"", at: inodes.offset)
            }
            if !TmpfsSize.inodes.contains(inodes.value) {
                diagnostics.error(
                    "\(inodes.value) is not from \(TmpfsSize.inodes.lowerBound) to"
                        + " \(TmpfsSize.inodes.upperBound)", at: inodes.offset)
            }
        }
        for option in overlay.options {
            let key = option.value.prefix { $0 != "=" }
            if ["lowerdir", "lowerdir+", "datadir+", "upperdir", "workdir"].contains(key) {
                diagnostics.error(
                    "the runtime sets \(key); use \"layers\" and \"upper\"",
                    at: option.offset)
            }
        }
    }

    func layerNames() {
        guard let names = request.overlay?.layers else { return }
        for (name, found) in zip(names, host.layers) {
            if case .failure(let error) = found {
                diagnostics.error(error.message, at: name.offset)
            }
        }
    }

    func snapshots() {
        guard request.overlays.value else { return }
        guard let upper = request.keptUpper else {
            if request.invocation.snapshot == nil { return }
            return complain("--snapshot needs --upper DIR, or vfs.overlay.upper", .standard)
        }
        if case .failure(let error) = host.snapshots { complain(error.message, upper.origin) }
    }

    /// With an index, overlayfs stores a changed file with several hard links in the work directory and
    /// adds only one name to the upper: `diff`, `commit` and snapshots would miss the other names.
    func overlayIndex() {
        guard request.overlays.value, request.readsUpperLater else { return }
        for option in request.overlay?.options ?? []
        where ["index=on", "nfs_export=on"].contains(option.value) {
            diagnostics.error(
                "\"\(option.value)\" stores files with several hard links outside the upper, where"
                    + " diff, commit and snapshots miss them; remove it, or use an upper that is"
                    + " discarded",
                at: option.offset)
        }
    }

    func discardedUpper() {
        guard host.discardedUpper == .memoryWithoutAttributes else { return }
        diagnostics.warning(
            "the upper is on a tmpfs, which supports user.* extended attributes only since Linux 6.6:"
                + " directories of a layer cannot be removed or replaced (EIO); use --upper DIR on"
                + " ext4, xfs or btrfs", at: diagnostics.document.root.offset)
    }

    /// Reports an error about a setting of config.json or of the command line.
    private func complain(_ sentence: String, _ origin: Origin) {
        switch origin {
        case .config(let offset): diagnostics.error(sentence, at: offset)
        case .argument(let option):
            diagnostics.error("\(option): \(sentence)", at: diagnostics.document.root.offset)
        case .builtIn: diagnostics.error(sentence, at: diagnostics.document.root.offset)
        }
    }
}
