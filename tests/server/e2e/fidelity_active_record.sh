#!/bin/sh
# Rails' migrations (ActiveRecord) by themselves and in a rehearsal.
. "$(dirname "$0")/../fidelity.sh"
command -v ruby >/dev/null && ruby -e 'require "active_record"; require "pg"' 2>/dev/null || skip "ActiveRecord is not installed"

mkdir -p "$work/db/migrate"
cat >"$work/migrate.rb" <<'RUBY'
require "active_record"
ActiveRecord::Base.establish_connection(adapter: "postgresql", host: ENV["PGHOST"], port: ENV["PGPORT"], username: ENV["PGUSER"], database: ENV["PGDATABASE"])
ActiveRecord::Migration.verbose = false
ActiveRecord::MigrationContext.new("db/migrate", ActiveRecord::SchemaMigration).migrate
RUBY
# rails_migration NUMBER CLASS BODY [ATTRIBUTE]
rails_migration() {
    file=$(echo "$2" | sed -E 's/([a-z])([A-Z])/\1_\2/g' | tr A-Z a-z)
    printf 'class %s < ActiveRecord::Migration[6.1]\n  %s\n  def change\n    %s\n  end\nend\n' "$2" "${4:-}" "$3" >"$work/db/migrate/2024010100000$1_$file.rb"
}
rails_migration 1 CreateOrders 'create_table(:orders) { |t| t.integer :total; t.timestamps null: true }'
rails_migration 2 FillOrders 'execute "INSERT INTO orders (total) SELECT i FROM generate_series(1, 50) i"'
rails_migration 3 AddRemark 'add_column :orders, :remark, :text'
rails_migration 4 FillRemark 'execute "UPDATE orders SET remark = total"'
rails_migration 5 IndexRemark 'add_index :orders, :remark, algorithm: :concurrently' 'disable_ddl_transaction!'
rails_migration 6 CreateLines 'create_table(:lines) { |t| t.references :order, foreign_key: true }'
rails_migration 7 BigTotal 'change_column :orders, :total, :bigint'
rails_migration 8 CheckTotal 'add_check_constraint :orders, "total > 0", name: "positive"'
# Ruby reads no URL without a host.
compare "unset DATABASE_URL; exec ruby migrate.rb"
