using ILGPU;
using ILGPU.Runtime;

namespace Fpn.IlGpu.Runtime;

/// <summary>
/// A view and its address in a CUDA device's memory, for inline PTX: within a kernel, ILGPU has no way from the one to the other.
/// </summary>
internal readonly record struct AddressedView(ArrayView<float> View, long Address)
{
    /// <summary>A view with its address.</summary>
    public static AddressedView Of(ArrayView<float> view) => new(view, view.LoadEffectiveAddressAsPtr());
}
