/// The kernel's ways to be told the layers, best first.
public enum OverlayInterface: Sendable, CaseIterable {
    /// `lowerdir+` with a descriptor (6.13, of `O_PATH` 6.15): names the layer that fails, needs no
    /// escaping, has no limit of length.
    case descriptors
    /// `lowerdir+` with a path (6.7), which is `/proc/self/fd/N`.
    case paths
    /// `mount(2)` with all options in one string of at most a page; the layers are numbered
    /// symbolic links in the working directory, so that 500 of them fit.
    case optionString
}
