namespace Fpn.IlGpu.Ptx;

/// <summary>
/// Finds where the lanes of a warp that diverge at a branch reconverge: at the branch's immediate post-dominator, the first
/// instruction that every path from the branch to the end passes (Fung et al. 2007, "Dynamic Warp Formation and Scheduling
/// for Efficient GPU Control Flow", section 2). It is found by intersection, as Cooper, Harvey and Kennedy do for
/// dominators.
/// </summary>
internal static class Reconvergence
{
    public static void Find(PtxInstruction[] code)
    {
        var exit = code.Length;
        var successors = new int[exit + 1][];
        for (var i = 0; i < exit; i++)
            successors[i] = Successors(code, i);
        successors[exit] = [];
        var order = FromTheEnd(successors);
        var rank = new int[exit + 1];
        Array.Fill(rank, -1);
        for (var i = 0; i < order.Count; i++)
            rank[order[i]] = i;

        // next[i] is the immediate post-dominator so far. -1 is unknown, and remains for instructions that never reach the end.
        var next = new int[exit + 1];
        Array.Fill(next, -1);
        next[exit] = exit;
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var i in order)
            {
                if (i == exit)
                    continue;
                var meet = -1;
                foreach (var s in successors[i])
                {
                    if (next[s] >= 0)
                        meet = meet < 0 ? s : Meet(meet, s);
                }
                if (next[i] != meet)
                {
                    next[i] = meet;
                    changed = true;
                }
            }
        }
        for (var i = 0; i < exit; i++)
            code[i].Reconverge = next[i] < 0 ? exit : next[i];

        int Meet(int a, int b)
        {
            while (a != b)
            {
                if (rank[a] > rank[b])
                    a = next[a];
                else
                    b = next[b];
            }
            return a;
        }
    }

    private static int[] Successors(PtxInstruction[] code, int i)
    {
        var guarded = code[i].Guard >= 0;
        return code[i].Flow switch
        {
            PtxFlow.Branch when !guarded => code[i].Targets,
            PtxFlow.Branch => [code[i].Targets[0], i + 1],
            PtxFlow.BranchIndexed => code[i].Targets,
            // Lanes that return do not come back; the others continue with the next instruction.
            PtxFlow.Return => guarded ? [i + 1] : [code.Length],
            _ => [i + 1],
        };
    }

    /// <summary>The instructions that reach the end, in reverse postorder of the reversed graph.</summary>
    private static List<int> FromTheEnd(int[][] successors)
    {
        var predecessors = new List<int>[successors.Length];
        for (var i = 0; i < predecessors.Length; i++)
            predecessors[i] = [];
        for (var i = 0; i < successors.Length; i++)
        {
            foreach (var s in successors[i])
                predecessors[s].Add(i);
        }
        var postorder = new List<int>();
        var seen = new bool[successors.Length];
        var stack = new Stack<(int Node, int Child)>();
        stack.Push((successors.Length - 1, 0));
        seen[^1] = true;
        while (stack.TryPop(out var top))
        {
            if (top.Child == predecessors[top.Node].Count)
            {
                postorder.Add(top.Node);
                continue;
            }
            stack.Push((top.Node, top.Child + 1));
            var p = predecessors[top.Node][top.Child];
            if (!seen[p])
            {
                seen[p] = true;
                stack.Push((p, 0));
            }
        }
        postorder.Reverse();
        return postorder;
    }
}
