// Stand-in for ArrayView1D of ILGPU 1.5.3, used where the package feed lacks it.
#pragma warning disable CA1822 // instance members there, although they need no instance here
namespace ILGPU.Runtime;

/// <summary>A one-dimensional view; only the dense stride is known here.</summary>
internal readonly struct ArrayView1D<T, TStride>
    where T : unmanaged
    where TStride : unmanaged
{
    public static ArrayView1D<T, TStride> Empty => default;

    internal ArrayView1D(ArrayView<T> baseView) => BaseView = baseView;

    public ArrayView<T> BaseView { get; }

    public bool IsValid => BaseView.IsValid;

    public long Length => BaseView.Length;

    public int IntLength => BaseView.IntLength;

    public long LengthInBytes => BaseView.LengthInBytes;

    public LongIndex1D Extent => Length;

    public Index1D IntExtent => IntLength;

    public TStride Stride => default;

    public ref T this[Index1D index] => ref BaseView[index];

    public ref T this[LongIndex1D index] => ref BaseView[index];

    public ArrayView1D<T, TStride> SubView(Index1D index, Index1D extent) => new(BaseView.SubView(index.X, extent.X));

    public ArrayView1D<T, TStride> SubView(LongIndex1D index, LongIndex1D extent) =>
        new(BaseView.SubView(index.X, extent.X));

    public ArrayView<T> AsContiguous() => BaseView;

    public ArrayView1D<T, Stride1D.Dense> AsDense() => BaseView;

    public override string ToString() => BaseView.ToString();
}
