"""What a platform's similarity analysis (雷同性分析) would find in a bid, and what it rests on."""
