namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The inline PTX of <see cref="TensorTile"/>. The 64 sums of a lane are registers that one statement declares and the others use by
/// name, because values that PTX returns to C# go through the thread's local memory. c[16 · i + 4 · j] and its three successors are the
/// lane's part of the 16 × 8 sums of the warp's i-th rows and j-th columns.
/// </summary>
internal static class TensorTilePtx
{
    /// <summary>Declares the registers. Comes first, in the kernel's first block: a PTX name must be declared before it is used.</summary>
    public const string Declare =
        """
        .reg .f32 c<64>;
        .reg .f32 x<8>;
        .reg .b32 a<8>;
        .reg .b32 b<16>;
        .reg .b32 base;
        .reg .b32 at;
        mov.u32 base, __shared_alloca0;
        """;

    /// <summary>Sets all sums to zero.</summary>
    public const string Clear =
        """
        mov.f32 c0, 0f00000000; mov.f32 c1, 0f00000000; mov.f32 c2, 0f00000000; mov.f32 c3, 0f00000000;
        mov.f32 c4, 0f00000000; mov.f32 c5, 0f00000000; mov.f32 c6, 0f00000000; mov.f32 c7, 0f00000000;
        mov.f32 c8, 0f00000000; mov.f32 c9, 0f00000000; mov.f32 c10, 0f00000000; mov.f32 c11, 0f00000000;
        mov.f32 c12, 0f00000000; mov.f32 c13, 0f00000000; mov.f32 c14, 0f00000000; mov.f32 c15, 0f00000000;
        mov.f32 c16, 0f00000000; mov.f32 c17, 0f00000000; mov.f32 c18, 0f00000000; mov.f32 c19, 0f00000000;
        mov.f32 c20, 0f00000000; mov.f32 c21, 0f00000000; mov.f32 c22, 0f00000000; mov.f32 c23, 0f00000000;
        mov.f32 c24, 0f00000000; mov.f32 c25, 0f00000000; mov.f32 c26, 0f00000000; mov.f32 c27, 0f00000000;
        mov.f32 c28, 0f00000000; mov.f32 c29, 0f00000000; mov.f32 c30, 0f00000000; mov.f32 c31, 0f00000000;
        mov.f32 c32, 0f00000000; mov.f32 c33, 0f00000000; mov.f32 c34, 0f00000000; mov.f32 c35, 0f00000000;
        mov.f32 c36, 0f00000000; mov.f32 c37, 0f00000000; mov.f32 c38, 0f00000000; mov.f32 c39, 0f00000000;
        mov.f32 c40, 0f00000000; mov.f32 c41, 0f00000000; mov.f32 c42, 0f00000000; mov.f32 c43, 0f00000000;
        mov.f32 c44, 0f00000000; mov.f32 c45, 0f00000000; mov.f32 c46, 0f00000000; mov.f32 c47, 0f00000000;
        mov.f32 c48, 0f00000000; mov.f32 c49, 0f00000000; mov.f32 c50, 0f00000000; mov.f32 c51, 0f00000000;
        mov.f32 c52, 0f00000000; mov.f32 c53, 0f00000000; mov.f32 c54, 0f00000000; mov.f32 c55, 0f00000000;
        mov.f32 c56, 0f00000000; mov.f32 c57, 0f00000000; mov.f32 c58, 0f00000000; mov.f32 c59, 0f00000000;
        mov.f32 c60, 0f00000000; mov.f32 c61, 0f00000000; mov.f32 c62, 0f00000000; mov.f32 c63, 0f00000000;
        """;

    /// <summary>Copies 16 bytes, or zeros if %2 is 0. %0 is the place in shared memory, %1 the address.</summary>
    public const string CopyFour = "add.u32 at, base, %0; cp.async.cg.shared.global [at], [%1], 16, %2;";

    /// <summary>Copies 4 bytes, or zeros if %2 is 0. %0 is the place in shared memory, %1 the address.</summary>
    public const string CopyOne = "add.u32 at, base, %0; cp.async.ca.shared.global [at], [%1], 4, %2;";

    /// <summary>Groups the copies since the last commit.</summary>
    public const string Commit = "cp.async.commit_group;";

    /// <summary>Waits until all copies have arrived, except those of the last commit.</summary>
    public const string WaitForAllButOne = "cp.async.wait_group 1;";

    /// <summary>Waits until all copies have arrived.</summary>
    public const string WaitForAll = "cp.async.wait_all;";

    private const string MultiplyTf32 = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32";
    private const string MultiplyFp16 = "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32";

    // A lane has four neighbouring values of a row. The first two are columns of the first product, the others of the second.
    private const string FirstPixels = "{a0, a4, a1, a5}";
    private const string SecondPixels = "{a2, a6, a3, a7}";
    private const string AllPixels = "{a0, a1, a2, a3}";

    /// <summary>Loads the weights of 32 channels × 16 values. %0 is their place in shared memory.</summary>
    public const string LoadWeightsTf32 =
        """
        add.u32 at, base, %0;
        ld.shared.v4.b32 {b0, b1, b2, b3}, [at];
        ld.shared.v4.b32 {b4, b5, b6, b7}, [at+512];
        ld.shared.v4.b32 {b8, b9, b10, b11}, [at+1024];
        ld.shared.v4.b32 {b12, b13, b14, b15}, [at+1536];
        """;

    /// <summary>Loads 16 pixels × 16 values and rounds them to TF32. %0 is their place in shared memory.</summary>
    public const string LoadPixelsTf32 =
        """
        add.u32 at, base, %0;
        ld.shared.v4.f32 {x0, x1, x2, x3}, [at];
        ld.shared.v4.f32 {x4, x5, x6, x7}, [at+512];
        cvt.rna.tf32.f32 a0, x0; cvt.rna.tf32.f32 a1, x1; cvt.rna.tf32.f32 a2, x2; cvt.rna.tf32.f32 a3, x3;
        cvt.rna.tf32.f32 a4, x4; cvt.rna.tf32.f32 a5, x5; cvt.rna.tf32.f32 a6, x6; cvt.rna.tf32.f32 a7, x7;
        """;

    /// <summary>Loads the weights of 32 channels × 16 values, in pairs. %0 is their place in shared memory.</summary>
    public const string LoadWeightsFp16 =
        """
        add.u32 at, base, %0;
        ld.shared.v4.b32 {b0, b1, b2, b3}, [at];
        ld.shared.v4.b32 {b4, b5, b6, b7}, [at+512];
        """;

    /// <summary>Loads 16 pixels × 16 values and rounds them to FP16, in pairs. %0 is their place in shared memory.</summary>
    public const string LoadPixelsFp16 =
        """
        add.u32 at, base, %0;
        ld.shared.v4.f32 {x0, x1, x2, x3}, [at];
        ld.shared.v4.f32 {x4, x5, x6, x7}, [at+512];
        cvt.rn.f16x2.f32 a0, x1, x0; cvt.rn.f16x2.f32 a1, x5, x4; cvt.rn.f16x2.f32 a2, x3, x2; cvt.rn.f16x2.f32 a3, x7, x6;
        """;

    /// <summary>Multiplies the warp's first 16 pixels by its 32 channels.</summary>
    public const string Rows0Tf32 =
        $$"""
        {{MultiplyTf32}} {c0, c1, c2, c3}, {{FirstPixels}}, {b0, b1}, {c0, c1, c2, c3};
        {{MultiplyTf32}} {c4, c5, c6, c7}, {{FirstPixels}}, {b2, b3}, {c4, c5, c6, c7};
        {{MultiplyTf32}} {c8, c9, c10, c11}, {{FirstPixels}}, {b8, b9}, {c8, c9, c10, c11};
        {{MultiplyTf32}} {c12, c13, c14, c15}, {{FirstPixels}}, {b10, b11}, {c12, c13, c14, c15};
        {{MultiplyTf32}} {c0, c1, c2, c3}, {{SecondPixels}}, {b4, b5}, {c0, c1, c2, c3};
        {{MultiplyTf32}} {c4, c5, c6, c7}, {{SecondPixels}}, {b6, b7}, {c4, c5, c6, c7};
        {{MultiplyTf32}} {c8, c9, c10, c11}, {{SecondPixels}}, {b12, b13}, {c8, c9, c10, c11};
        {{MultiplyTf32}} {c12, c13, c14, c15}, {{SecondPixels}}, {b14, b15}, {c12, c13, c14, c15};
        """;

    /// <summary>Multiplies the warp's second 16 pixels by its 32 channels.</summary>
    public const string Rows1Tf32 =
        $$"""
        {{MultiplyTf32}} {c16, c17, c18, c19}, {{FirstPixels}}, {b0, b1}, {c16, c17, c18, c19};
        {{MultiplyTf32}} {c20, c21, c22, c23}, {{FirstPixels}}, {b2, b3}, {c20, c21, c22, c23};
        {{MultiplyTf32}} {c24, c25, c26, c27}, {{FirstPixels}}, {b8, b9}, {c24, c25, c26, c27};
        {{MultiplyTf32}} {c28, c29, c30, c31}, {{FirstPixels}}, {b10, b11}, {c28, c29, c30, c31};
        {{MultiplyTf32}} {c16, c17, c18, c19}, {{SecondPixels}}, {b4, b5}, {c16, c17, c18, c19};
        {{MultiplyTf32}} {c20, c21, c22, c23}, {{SecondPixels}}, {b6, b7}, {c20, c21, c22, c23};
        {{MultiplyTf32}} {c24, c25, c26, c27}, {{SecondPixels}}, {b12, b13}, {c24, c25, c26, c27};
        {{MultiplyTf32}} {c28, c29, c30, c31}, {{SecondPixels}}, {b14, b15}, {c28, c29, c30, c31};
        """;

    /// <summary>Multiplies the warp's third 16 pixels by its 32 channels.</summary>
    public const string Rows2Tf32 =
        $$"""
        {{MultiplyTf32}} {c32, c33, c34, c35}, {{FirstPixels}}, {b0, b1}, {c32, c33, c34, c35};
        {{MultiplyTf32}} {c36, c37, c38, c39}, {{FirstPixels}}, {b2, b3}, {c36, c37, c38, c39};
        {{MultiplyTf32}} {c40, c41, c42, c43}, {{FirstPixels}}, {b8, b9}, {c40, c41, c42, c43};
        {{MultiplyTf32}} {c44, c45, c46, c47}, {{FirstPixels}}, {b10, b11}, {c44, c45, c46, c47};
        {{MultiplyTf32}} {c32, c33, c34, c35}, {{SecondPixels}}, {b4, b5}, {c32, c33, c34, c35};
        {{MultiplyTf32}} {c36, c37, c38, c39}, {{SecondPixels}}, {b6, b7}, {c36, c37, c38, c39};
        {{MultiplyTf32}} {c40, c41, c42, c43}, {{SecondPixels}}, {b12, b13}, {c40, c41, c42, c43};
        {{MultiplyTf32}} {c44, c45, c46, c47}, {{SecondPixels}}, {b14, b15}, {c44, c45, c46, c47};
        """;

    /// <summary>Multiplies the warp's last 16 pixels by its 32 channels.</summary>
    public const string Rows3Tf32 =
        $$"""
        {{MultiplyTf32}} {c48, c49, c50, c51}, {{FirstPixels}}, {b0, b1}, {c48, c49, c50, c51};
        {{MultiplyTf32}} {c52, c53, c54, c55}, {{FirstPixels}}, {b2, b3}, {c52, c53, c54, c55};
        {{MultiplyTf32}} {c56, c57, c58, c59}, {{FirstPixels}}, {b8, b9}, {c56, c57, c58, c59};
        {{MultiplyTf32}} {c60, c61, c62, c63}, {{FirstPixels}}, {b10, b11}, {c60, c61, c62, c63};
        {{MultiplyTf32}} {c48, c49, c50, c51}, {{SecondPixels}}, {b4, b5}, {c48, c49, c50, c51};
        {{MultiplyTf32}} {c52, c53, c54, c55}, {{SecondPixels}}, {b6, b7}, {c52, c53, c54, c55};
        {{MultiplyTf32}} {c56, c57, c58, c59}, {{SecondPixels}}, {b12, b13}, {c56, c57, c58, c59};
        {{MultiplyTf32}} {c60, c61, c62, c63}, {{SecondPixels}}, {b14, b15}, {c60, c61, c62, c63};
        """;

    /// <summary>Multiplies the warp's first 16 pixels by its 32 channels, in pairs.</summary>
    public const string Rows0Fp16 =
        $$"""
        {{MultiplyFp16}} {c0, c1, c2, c3}, {{AllPixels}}, {b0, b1}, {c0, c1, c2, c3};
        {{MultiplyFp16}} {c4, c5, c6, c7}, {{AllPixels}}, {b2, b3}, {c4, c5, c6, c7};
        {{MultiplyFp16}} {c8, c9, c10, c11}, {{AllPixels}}, {b4, b5}, {c8, c9, c10, c11};
        {{MultiplyFp16}} {c12, c13, c14, c15}, {{AllPixels}}, {b6, b7}, {c12, c13, c14, c15};
        """;

    /// <summary>Multiplies the warp's second 16 pixels by its 32 channels, in pairs.</summary>
    public const string Rows1Fp16 =
        $$"""
        {{MultiplyFp16}} {c16, c17, c18, c19}, {{AllPixels}}, {b0, b1}, {c16, c17, c18, c19};
        {{MultiplyFp16}} {c20, c21, c22, c23}, {{AllPixels}}, {b2, b3}, {c20, c21, c22, c23};
        {{MultiplyFp16}} {c24, c25, c26, c27}, {{AllPixels}}, {b4, b5}, {c24, c25, c26, c27};
        {{MultiplyFp16}} {c28, c29, c30, c31}, {{AllPixels}}, {b6, b7}, {c28, c29, c30, c31};
        """;

    /// <summary>Multiplies the warp's third 16 pixels by its 32 channels, in pairs.</summary>
    public const string Rows2Fp16 =
        $$"""
        {{MultiplyFp16}} {c32, c33, c34, c35}, {{AllPixels}}, {b0, b1}, {c32, c33, c34, c35};
        {{MultiplyFp16}} {c36, c37, c38, c39}, {{AllPixels}}, {b2, b3}, {c36, c37, c38, c39};
        {{MultiplyFp16}} {c40, c41, c42, c43}, {{AllPixels}}, {b4, b5}, {c40, c41, c42, c43};
        {{MultiplyFp16}} {c44, c45, c46, c47}, {{AllPixels}}, {b6, b7}, {c44, c45, c46, c47};
        """;

    /// <summary>Multiplies the warp's last 16 pixels by its 32 channels, in pairs.</summary>
    public const string Rows3Fp16 =
        $$"""
        {{MultiplyFp16}} {c48, c49, c50, c51}, {{AllPixels}}, {b0, b1}, {c48, c49, c50, c51};
        {{MultiplyFp16}} {c52, c53, c54, c55}, {{AllPixels}}, {b2, b3}, {c52, c53, c54, c55};
        {{MultiplyFp16}} {c56, c57, c58, c59}, {{AllPixels}}, {b4, b5}, {c56, c57, c58, c59};
        {{MultiplyFp16}} {c60, c61, c62, c63}, {{AllPixels}}, {b6, b7}, {c60, c61, c62, c63};
        """;

    /// <summary>Stores the first 16 × 32 sums in shared memory. %0 is the lane's place there.</summary>
    public const string StoreRows0 =
        """
        add.u32 at, base, %0;
        st.shared.v2.f32 [at], {c0, c1}; st.shared.v2.f32 [at+1280], {c2, c3};
        st.shared.v2.f32 [at+32], {c4, c5}; st.shared.v2.f32 [at+1312], {c6, c7};
        st.shared.v2.f32 [at+64], {c8, c9}; st.shared.v2.f32 [at+1344], {c10, c11};
        st.shared.v2.f32 [at+96], {c12, c13}; st.shared.v2.f32 [at+1376], {c14, c15};
        """;

    /// <summary>Stores the second 16 × 32 sums in shared memory. %0 is the lane's place there.</summary>
    public const string StoreRows1 =
        """
        add.u32 at, base, %0;
        st.shared.v2.f32 [at], {c16, c17}; st.shared.v2.f32 [at+1280], {c18, c19};
        st.shared.v2.f32 [at+32], {c20, c21}; st.shared.v2.f32 [at+1312], {c22, c23};
        st.shared.v2.f32 [at+64], {c24, c25}; st.shared.v2.f32 [at+1344], {c26, c27};
        st.shared.v2.f32 [at+96], {c28, c29}; st.shared.v2.f32 [at+1376], {c30, c31};
        """;

    /// <summary>Stores the third 16 × 32 sums in shared memory. %0 is the lane's place there.</summary>
    public const string StoreRows2 =
        """
        add.u32 at, base, %0;
        st.shared.v2.f32 [at], {c32, c33}; st.shared.v2.f32 [at+1280], {c34, c35};
        st.shared.v2.f32 [at+32], {c36, c37}; st.shared.v2.f32 [at+1312], {c38, c39};
        st.shared.v2.f32 [at+64], {c40, c41}; st.shared.v2.f32 [at+1344], {c42, c43};
        st.shared.v2.f32 [at+96], {c44, c45}; st.shared.v2.f32 [at+1376], {c46, c47};
        """;

    /// <summary>Stores the last 16 × 32 sums in shared memory. %0 is the lane's place there.</summary>
    public const string StoreRows3 =
        """
        add.u32 at, base, %0;
        st.shared.v2.f32 [at], {c48, c49}; st.shared.v2.f32 [at+1280], {c50, c51};
        st.shared.v2.f32 [at+32], {c52, c53}; st.shared.v2.f32 [at+1312], {c54, c55};
        st.shared.v2.f32 [at+64], {c56, c57}; st.shared.v2.f32 [at+1344], {c58, c59};
        st.shared.v2.f32 [at+96], {c60, c61}; st.shared.v2.f32 [at+1376], {c62, c63};
        """;
}
