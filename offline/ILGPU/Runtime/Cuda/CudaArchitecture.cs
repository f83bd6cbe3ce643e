// Stand-in for CudaArchitecture of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU.Runtime.Cuda;

/// <summary>The compute capability of a CUDA device.</summary>
internal readonly record struct CudaArchitecture(int Major, int Minor) : IComparable<CudaArchitecture>
{
    public static readonly CudaArchitecture SM_60 = new(6, 0);
    public static readonly CudaArchitecture SM_70 = new(7, 0);
    public static readonly CudaArchitecture SM_75 = new(7, 5);
    public static readonly CudaArchitecture SM_80 = new(8, 0);
    public static readonly CudaArchitecture SM_86 = new(8, 6);
    public static readonly CudaArchitecture SM_89 = new(8, 9);
    public static readonly CudaArchitecture SM_90 = new(9, 0);

    public int CompareTo(CudaArchitecture other) => (Major, Minor).CompareTo((other.Major, other.Minor));

    public override string ToString() => $"SM_{Major}{Minor}";

    public static bool operator <(CudaArchitecture first, CudaArchitecture second) => first.CompareTo(second) < 0;

    public static bool operator <=(CudaArchitecture first, CudaArchitecture second) => first.CompareTo(second) <= 0;

    public static bool operator >(CudaArchitecture first, CudaArchitecture second) => first.CompareTo(second) > 0;

    public static bool operator >=(CudaArchitecture first, CudaArchitecture second) => first.CompareTo(second) >= 0;
}
